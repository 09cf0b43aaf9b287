"""The model of the reaper and of bucket notifications."""

from datetime import datetime

from tests.fuzz.model import ModelOwner, ModelUpload, confirm
from tests.fuzz.model_parts import complete

STALE_MAX = 20


def end_stale(
    owners: list[ModelOwner],
    now: datetime,
    at_most: int | None = STALE_MAX,
    *,
    only_of_user: bool = False,
) -> list[str]:
    """End the stale uploads of some owners, the oldest first; return their new states.

    A request for tickets asks the bucket for at most 20 of them. `only_of_user` leaves out those
    that belong to a service.
    """
    uploads = [
        upload
        for owner in owners
        for upload in owner.uploads
        if upload.stale(now) and not (only_of_user and _is_of_service(upload))
    ]
    uploads.sort(key=lambda upload: (upload.expires_at, upload.id))
    keeps = owners[0].keeps
    uploads = uploads[: at_most if keeps else None]
    for upload in uploads:
        if keeps:
            _keep(upload, now)
        else:
            upload.end("expired", now)
    return [upload.state for upload in uploads]


def _is_of_service(upload: ModelUpload) -> bool:
    """Check whether it belongs to the service that asked: owners by token have no user here."""
    return bool(upload.owner.name) and upload.window is None


def reap(owners: list[ModelOwner], now: datetime) -> dict[str, int]:
    """Return the counts that the reaper reports."""
    world = owners[0].world
    states = end_stale(owners, now, at_most=None)
    first = world.drain(now)
    late = world.sweep(now)
    drained = first + world.drain(now)
    return {
        "kept": states.count("confirmed") + states.count("processing"),
        "expired": states.count("expired"),
        "late": late,
        "deleted": drained["deleted"],
        "pruned": 0,  # no history is as long as the retention
        "postponed": drained["postponed"],
    }


def notify(upload: ModelUpload, now: datetime) -> str:
    """Return the outcome of a notification that names the object that the client writes."""
    if upload.state == "pending":
        outcomes = {None: "confirmed", "object_missing": "missing", "object_mismatch": "rejected"}
        return outcomes.get(confirm(upload, now), "settled")
    if not upload.unfinished:
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
