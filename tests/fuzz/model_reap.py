"""The model of the reaper."""

from datetime import datetime

from tests.fuzz.model import ModelOwner, ModelUpload, confirm
from tests.fuzz.model_parts import complete


def reap(owners: list[ModelOwner], now: datetime) -> tuple[int, int]:
    """Return how many stale uploads are confirmed and how many expire."""
    uploads = [upload for owner in owners for upload in owner.uploads if upload.stale(now)]
    for upload in sorted(uploads, key=lambda upload: (upload.expires_at, upload.id)):
        if upload.owner.keeps:
            _keep(upload, now)
        else:
            upload.end("expired", now)
    states = [upload.state for upload in uploads]
    return states.count("confirmed"), states.count("expired")


def _keep(upload: ModelUpload, now: datetime) -> None:
    """Confirm a stale upload if its bytes have arrived, otherwise expire it."""
    act = complete if upload.transport == "multipart" else confirm
    code = act(upload, now)
    coming = code == "object_missing" and upload.being_completed(now)
    if code in ("object_missing", "parts_missing") and not coming:
        upload.end("expired", now)
