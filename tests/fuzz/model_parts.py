"""The model of multipart uploads: sign, list, complete."""

from datetime import datetime

from tests.fuzz.model import (
    ANSWERED,
    LATER,
    PUT,
    UNHEARD,
    ModelUpload,
    confirm,
    settled,
    why_settled,
)


def _past_parts(upload: ModelUpload, now: datetime, *, keeps: bool = False) -> str | None:
    if upload.stale(now) and not keeps:
        upload.end("expired", now)
    if upload.state != "pending":
        return why_settled(upload)
    return None


def sign(
    upload: ModelUpload, numbers: list[int], digests: dict[int, bytes], now: datetime
) -> str | None:
    """Return the expected error of a request for URLs.

    The first request creates the multipart upload and decides whether its parts are pinned, even
    if that request then fails because digests are missing.
    """
    if past := _past_parts(upload, now):
        return past
    if len(set(numbers)) < len(numbers) or not 1 <= min(numbers) <= max(numbers) <= len(
        upload.data
    ):
        return "validation_error"
    if not upload.begun:
        upload.begun = upload.in_bucket = True
        upload.parts_pinned = bool(digests)
    life = max(upload.expires_at, now + PUT)
    if not upload.parts_pinned:
        upload.expires_at = life
        return "validation_error" if digests else None
    kept = {**digests, **upload.digests}
    if any(number not in kept for number in numbers):
        return "validation_error"
    if any(kept[number] != data for number, data in digests.items()):
        return "validation_error"
    upload.digests, upload.expires_at = kept, life
    return None


def takes(upload: ModelUpload, number: int, data: bytes) -> bool:
    """Check whether a valid URL of a part accepts these bytes."""
    pinned = upload.digests.get(number)
    return len(data) == len(upload.data[number - 1]) and pinned in (None, data)


def missing(upload: ModelUpload) -> list[int]:
    """Return the numbers of parts that are missing or have a wrong length."""
    lengths = {number: len(data) for number, data in upload.arrived.items()}
    return [n for n, data in enumerate(upload.data, 1) if lengths.get(n) != len(data)]


def lists(upload: ModelUpload, now: datetime) -> str | tuple[list[int], list[int]]:
    """Return the expected error of a listing, or the arrived and the missing parts."""
    if past := _past_parts(upload, now):
        return past
    if upload.begun and not upload.in_bucket:
        return _let_go(upload, now) or ([], [])
    lacking = missing(upload)
    return [n for n in range(1, len(upload.data) + 1) if n not in lacking], lacking


def _let_go(upload: ModelUpload, now: datetime) -> str | None:
    """Return the expected error if the bucket no longer has the parts."""
    if upload.object is None:
        if upload.being_completed(now):
            return "object_missing"
        upload.end("expired", now)
        return "upload_expired"
    return None


def together(upload: ModelUpload, *, later: bool = False) -> None:
    """Complete the upload in the bucket, either now or later."""
    upload.joined = b"".join(upload.arrived[number] for number in sorted(upload.arrived))
    upload.in_bucket, upload.arrived = False, {}
    upload.coming = True
    if not later:
        upload.arrive("whole")


def complete(upload: ModelUpload, now: datetime, answer: str = ANSWERED) -> str | None:
    """Return the expected error of a completion; None if it returns the image."""
    if upload.state in ("confirmed", "processing"):
        return settled(upload)
    if past := _past_parts(upload, now, keeps=upload.owner.keeps):
        return past
    if upload.begun and not upload.in_bucket:
        return _let_go(upload, now) or confirm(upload, now)
    if missing(upload):
        return "parts_missing"
    upload.completing = now
    if answer != UNHEARD:
        together(upload, later=answer == LATER)
    return confirm(upload, now) if answer == ANSWERED else "storage_unavailable"
