"""What should become of stale uploads when they are reaped."""

from datetime import datetime

from tests.fuzz.model import ModelOwner, ModelUpload, confirm
from tests.fuzz.model_parts import complete


def reap(owners: list[ModelOwner], now: datetime) -> tuple[int, int]:
    """Say how many are kept as images, and how many are expired."""
    uploads = [upload for owner in owners for upload in owner.uploads if upload.stale(now)]
    for upload in sorted(uploads, key=lambda upload: (upload.expires_at, upload.id)):
        if upload.owner.keeps:
            _keep(upload, now)
        else:
            upload.end("expired", now)
    states = [upload.state for upload in uploads]
    return states.count("confirmed"), states.count("expired")


def _keep(upload: ModelUpload, now: datetime) -> None:
    """Whether its bytes are there is asked first; what is being put together may still come."""
    act = complete if upload.transport == "multipart" else confirm
    code = act(upload, now)
    coming = code == "object_missing" and upload.being_completed(now)
    if code in ("object_missing", "parts_missing") and not coming:
        upload.end("expired", now)
