"""What should become of uploads, in plain Python: no database, no bucket, nothing of the broker's
services. It says what each act must lead to, and what is so afterwards.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PLACES = 3
TTL = timedelta(seconds=300)
GRACE = timedelta(seconds=900)


@dataclass
class ModelUpload:
    """An upload; `object` is what lies where its forms write, while it is pending."""

    id: Any
    ad: "ModelAd"
    data: bytes
    pinned: bool
    expires_at: datetime
    forms: list[Any]
    key: str
    state: str = "pending"
    object: tuple[str, bytes] | None = None
    image: Any = None
    image_deleted: bool = False

    def stale(self, now: datetime) -> bool:
        return self.state == "pending" and now >= self.expires_at + GRACE

    def is_as_declared(self) -> bool:
        """Tell whether a confirm must take what lies there."""
        assert self.object is not None
        how, data = self.object
        return how == "form" and (data == self.data if self.pinned else len(data) == self.size)

    @property
    def size(self) -> int:
        return len(self.data)

    def takes(self, data: bytes) -> bool:
        """Tell whether a form in force lets these bytes through."""
        return data == self.data if self.pinned else len(data) == self.size

    def end(self, state: str) -> None:
        self.state, self.object = state, None


@dataclass(eq=False)
class ModelAd:
    """An ad with its uploads."""

    id: int
    deleted: bool = False
    uploads: list[ModelUpload] = field(default_factory=list)

    def places(self) -> int:
        images = [one for one in self.uploads if one.image is not None and not one.image_deleted]
        return len(images) + sum(one.state == "pending" for one in self.uploads)

    def expire(self, now: datetime) -> None:
        for upload in self.uploads:
            if upload.stale(now):
                upload.end("expired")

    def issue(self, count: int, now: datetime) -> str | None:
        """Say which error a request for so many tickets gives; None where it gives tickets."""
        if self.deleted:
            return "not_found"
        if self.places() + count > PLACES:
            self.expire(now)
        return "image_limit_reached" if self.places() + count > PLACES else None

    def delete(self) -> None:
        self.deleted = True
        for upload in self.uploads:
            if upload.state == "pending":
                upload.end("cancelled")
            upload.image_deleted |= upload.image is not None


SETTLED = {
    "expired": "upload_expired",
    "cancelled": "upload_cancelled",
    "rejected": "object_mismatch",
}


def confirm(upload: ModelUpload, now: datetime) -> str | None:
    """Say which error a confirm gives; None where it gives the image."""
    if upload.stale(now):
        upload.end("expired")
    if upload.state == "confirmed":
        return "image_deleted" if upload.image_deleted else None
    if upload.state != "pending":
        return SETTLED[upload.state]
    if upload.object is None:
        return "object_missing"
    if not upload.is_as_declared():
        upload.end("rejected")
        return "object_mismatch"
    upload.state = "confirmed"
    return None


def cancel(upload: ModelUpload) -> str | None:
    """Say which error a cancel gives."""
    if upload.state == "pending":
        upload.end("cancelled")
    return "upload_settled" if upload.state == "confirmed" else None


def renew(upload: ModelUpload, now: datetime) -> str | None:
    """Say which error a renewal gives."""
    if upload.state == "confirmed":
        return "upload_settled"
    if upload.state != "pending":
        return SETTLED[upload.state]
    if upload.stale(now):
        return "upload_expired"
    upload.expires_at = now + TTL
    return None
