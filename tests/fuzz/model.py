"""The model of uploads in plain Python, without database, bucket or services.

It computes the expected result and state of each action; `model_parts.py` does so for multipart
uploads.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MIB = 1024**2
PLACES = 3
PUT = timedelta(seconds=600)  # lifetime of a URL
LIFE = {"post": timedelta(seconds=300), "put": PUT, "multipart": timedelta(seconds=1800)}
GRACE = timedelta(seconds=900)
KEPT = -1  # an image whose id is not known yet
COMPLETION = timedelta(minutes=15)  # the longest time that a completion takes
WINDOW = timedelta(hours=2)
QUOTA_BYTES, QUOTA_FILES = 32 * MIB, 8
PART = 5 * MIB
MOST = {"ad": 11 * MIB, "user": 8 * MIB}  # the bytes that an upload of open size reserves

# How the bucket answers. ANSWERED: normally. UNHEARD: the request is lost. DONE: the request is
# executed, but the answer is lost. LATER: like DONE, but the effect comes later. REPLACED: another
# object is written before the request is executed.
ANSWERED, UNHEARD, DONE, LATER, REPLACED = "answered", "unheard", "done", "later", "replaced"


@dataclass
class Quota:
    """The bytes and files that a user has reserved in the window that started at `begun`."""

    begun: datetime | None = None
    size: int = 0
    files: int = 0

    def over(self, now: datetime) -> bool:
        return self.begun is None or self.begun <= now - WINDOW

    def fits(self, sizes: list[int], now: datetime) -> bool:
        size, files = (0, 0) if self.over(now) else (self.size, self.files)
        return size + sum(sizes) <= QUOTA_BYTES and files + len(sizes) <= QUOTA_FILES

    def take(self, sizes: list[int], now: datetime) -> None:
        if self.over(now):
            self.begun, self.size, self.files = now, 0, 0
        self.size += sum(sizes)
        self.files += len(sizes)

    def refund(self, window: datetime | None, size: int, files: int) -> None:
        if window is not None and window == self.begun:
            self.size -= size
            self.files -= files


@dataclass
class ModelUpload:
    """An upload. While it is pending, `object` holds the object at its key, and its writer.

    `seen` holds the bytes that a confirm has started to copy, even if its answer was lost.
    """

    id: Any
    owner: "ModelOwner"
    key: str
    transport: str
    data: list[bytes]  # one entry for a whole file, or one per part
    pinned: bool
    size: int  # the reserved size, later the real one
    expires_at: datetime
    window: datetime | None
    open: bool = False
    forms: list[Any] = field(default_factory=list)  # forms, or PUTs
    state: str = "pending"
    object: tuple[str, bytes] | None = None
    seen: bytes | None = None
    image: Any = None
    image_deleted: bool = False
    # The upload has ended but stays charged until this time, because its form can still write.
    owed_until: datetime | None = None
    # Multipart: whether it was created in the bucket, and whether it still exists there.
    begun: bool = False
    parts_pinned: bool = False
    digests: dict[int, bytes] = field(default_factory=dict)  # the bytes that a part is pinned to
    urls: list[tuple[int, Any]] = field(default_factory=list)
    arrived: dict[int, bytes] = field(default_factory=dict)
    in_bucket: bool = False
    # When the completion was requested, and whether it is still running.
    completing: datetime | None = None
    coming: bool = False

    @property
    def promoted(self) -> bool:
        return self.transport != "multipart" and not self.pinned

    @property
    def final(self) -> str:
        return f"media/{self.key}"

    @property
    def written(self) -> str:
        return f"incoming/{self.key}" if self.promoted else self.final

    def stale(self, now: datetime) -> bool:
        return self.state == "pending" and now >= self.expires_at + GRACE

    def takes(self, data: bytes) -> bool:
        """Check whether a valid form or URL accepts these bytes."""
        if self.open:
            return 1 <= len(data) <= MOST[self.owner.kind]
        return data == self.data[0] if self.pinned else len(data) == self.size

    def accepts(self, data: bytes) -> bool:
        """Check whether a confirm accepts these bytes.

        A forged multipart object of the right length cannot be detected.
        """
        if self.transport == "multipart":
            return len(data) == self.size
        return self.takes(data)

    def end(self, state: str, now: datetime) -> None:
        """End the upload; its object is deleted again when no signature can write it."""
        self.state, self.object, self.coming = state, None, False
        dead_at = self.expires_at + GRACE
        if self.transport == "multipart" or dead_at <= now:
            self.owner.quota.refund(self.window, self.size, 1)
        elif self.window is not None:
            self.owed_until = dead_at
        if self.completing is not None:
            dead_at = max(dead_at, self.completing + COMPLETION)
        for key in (self.written, self.final):
            self.owner.sweep(key, dead_at)
        if self.begun:
            self.owner.sweep(f"parts of {self.final}", now + PUT + GRACE)

    def swept(self, now: datetime) -> None:
        """Refund the quota: the object was deleted for the last time."""
        assert self.owed_until is not None
        assert self.owed_until <= now
        self.owner.quota.refund(self.window, self.size, 1)
        self.owed_until = None

    def arrive(self, how: str) -> None:
        """Store the whole object."""
        self.object, self.coming = (how, b"".join(self.data)), False

    def become_image(self, now: datetime) -> None:
        assert self.object is not None
        size = len(self.object[1])
        self.state = "confirmed"
        self.owner.quota.refund(self.window, self.size - size, 0)
        self.size = size
        if self.owner.kind == "user":
            self.owner.drop_images(now)
        self.image = KEPT
        if self.promoted:
            self.owner.sweep(self.written, self.expires_at + GRACE)

    def drop_image(self, now: datetime) -> None:
        self.image_deleted = True
        self.owner.sweep(self.final, now + PUT + GRACE)

    def being_completed(self, now: datetime) -> bool:
        return self.completing is not None and now - self.completing < COMPLETION

    @property
    def has_image(self) -> bool:
        return self.image is not None and not self.image_deleted


@dataclass(eq=False)
class ModelOwner:
    """An ad or a user with its uploads. `sweeps` says how long each key stays in the outbox."""

    kind: str
    id: int
    quota: Quota
    sweeps: dict[str, datetime]
    keeps: bool = False  # whether the reaper confirms stale uploads that have arrived
    deleted: bool = False
    uploads: list[ModelUpload] = field(default_factory=list)

    def sweep(self, key: str, until: datetime) -> None:
        self.sweeps[key] = max(until, self.sweeps.get(key, until))

    def places(self) -> int:
        return sum(one.has_image or one.state == "pending" for one in self.uploads)

    def expire(self, now: datetime) -> None:
        for upload in self.uploads:
            if upload.stale(now):
                upload.end("expired", now)

    def drop_images(self, now: datetime) -> None:
        for upload in self.uploads:
            if upload.has_image:
                upload.drop_image(now)

    def delete(self, now: datetime) -> None:
        self.deleted = True
        for upload in self.uploads:
            if upload.state == "pending":
                upload.end("cancelled", now)
        self.drop_images(now)


SETTLED = {
    "expired": "upload_expired",
    "cancelled": "upload_cancelled",
    "rejected": "object_mismatch",
}


def issue(
    owner: ModelOwner, sizes: list[int], now: datetime, *, others: list[ModelOwner], backend: bool
) -> str | None:
    """Return the expected error of a request for tickets; None if all are issued."""

    def within_quota() -> bool:
        return backend or owner.quota.fits(sizes, now)

    def room() -> bool:
        return within_quota() and (owner.kind == "user" or owner.places() + len(sizes) <= PLACES)

    if owner.deleted:
        return "not_found"
    if not room():
        for one in [] if owner.keeps else [owner] if backend else [owner, *others]:
            one.expire(now)
    if not room():
        return "image_limit_reached" if within_quota() else "quota_exceeded"
    if not backend:
        owner.quota.take(sizes, now)
    return None


def settled(upload: ModelUpload) -> str | None:
    """Return the expected error when the image of an upload that is not pending is read."""
    if upload.state == "confirmed":
        return "image_deleted" if upload.image_deleted else None
    return SETTLED[upload.state]


def confirm(upload: ModelUpload, now: datetime, answer: str = ANSWERED) -> str | None:
    """Return the expected error of a confirm; None if it returns the image.

    `answer` is the bucket's answer to the copy of an upload that is not pinned.
    """
    stale = upload.stale(now)
    if stale and not upload.owner.keeps:
        upload.end("expired", now)
    if upload.state != "pending":
        return settled(upload)
    if upload.object is None:
        if not stale or upload.being_completed(now):
            return "object_missing"
        upload.end("expired", now)
        return "upload_expired"
    how, data = upload.object
    if upload.promoted and how != "forged":
        upload.seen = data if upload.seen is None else upload.seen
        if upload.seen == data and answer in (UNHEARD, DONE):
            return "storage_unavailable"
    replaced = upload.promoted and (upload.seen != data or answer == REPLACED)
    if how == "forged" or replaced:
        upload.end("rejected", now)
        return "object_mismatch"
    upload.become_image(now)
    return None


def cancel(upload: ModelUpload, now: datetime) -> str | None:
    """Return the expected error of a cancel."""
    if upload.state == "pending":
        upload.end("cancelled", now)
    return "upload_settled" if upload.state == "confirmed" else None


def renew(upload: ModelUpload, now: datetime) -> str | None:
    """Return the expected error of a renewal."""
    if upload.state != "pending":
        return "upload_settled" if upload.state == "confirmed" else SETTLED[upload.state]
    if upload.stale(now):
        return "upload_expired"
    upload.expires_at = now + LIFE[upload.transport]
    return None
