"""The model of the reaper and of bucket notifications."""

from datetime import datetime

from tests.fuzz.model import ModelOwner, ModelUpload, confirm
from tests.fuzz.model_parts import complete


def reap(owners: list[ModelOwner], now: datetime) -> dict[str, int]:
    """Return the counts that the reaper reports."""
    world = owners[0].world
    uploads = [upload for owner in owners for upload in owner.uploads if upload.stale(now)]
    for upload in sorted(uploads, key=lambda upload: (upload.expires_at, upload.id)):
        if upload.owner.keeps:
            _keep(upload, now)
        else:
            upload.end("expired", now)
    states = [upload.state for upload in uploads]
    first = world.drain(now)
    late = world.sweep(now)
    drained = first + world.drain(now)
    return {
        "kept": states.count("confirmed"),
        "expired": states.count("expired"),
        "late": late,
        "deleted": drained["deleted"],
        "postponed": drained["postponed"],
    }


def notify(upload: ModelUpload, now: datetime) -> str:
    """Return the outcome of a notification that names the object that the client writes."""
    if upload.state == "pending":
        outcomes = {None: "confirmed", "object_missing": "missing", "object_mismatch": "rejected"}
        return outcomes.get(confirm(upload, now), "settled")
    upload.world.delete_late(upload, now)
    upload.world.drain(now, only=upload.written)
    return "settled"


def _keep(upload: ModelUpload, now: datetime) -> None:
    """Confirm a stale upload if its bytes have arrived, otherwise expire it."""
    act = complete if upload.transport == "multipart" else confirm
    code = act(upload, now)
    coming = code == "object_missing" and upload.being_completed(now)
    if code in ("object_missing", "parts_missing") and not coming:
        upload.end("expired", now)
