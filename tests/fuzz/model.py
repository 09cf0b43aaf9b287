"""The model of uploads in plain Python, without database, bucket or services.

It computes the expected result and state of each action; `model_parts.py` does so for multipart
uploads, and `model_worker.py` for the workers that inspect.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fuzz.model_world import MIB, Quota, World

PLACES = 3
PUT = timedelta(seconds=600)  # lifetime of a URL
LIFE = {"post": timedelta(seconds=300), "put": PUT, "multipart": timedelta(seconds=1800)}
GRACE = timedelta(seconds=900)
KEPT = -1  # an image whose id is not known yet
COMPLETION = timedelta(minutes=15)  # the longest time that a completion takes
PUBLISHING = timedelta(minutes=15)  # the longest attempt to publish; more for large objects
COPIED_PER_SECOND = 50_000_000
LOOKS = 3  # how many HEADs a confirm sends if the object is replaced
PART = 5 * MIB
MOST = {"ad": 11 * MIB, "user": 8 * MIB, "paper": 11 * MIB}  # an upload of open size

# How the bucket answers. UNHEARD: the request is lost. DONE: it is executed, but the answer is
# lost. LATER: like DONE, but the effect comes later. REPLACED: another object is written between
# HEAD and copy. CHURNED: like REPLACED, after every HEAD.
ANSWERED, UNHEARD, DONE, LATER, REPLACED = "answered", "unheard", "done", "later", "replaced"
CHURNED = "replaced again and again"


def replacement(data: bytes, look: int) -> bytes:
    """Return the bytes that replace an object after a HEAD: other ones, then the same again."""
    return data if look % 2 else bytes(255 - byte for byte in data[:8]) + data[8:]


@dataclass
class ModelUpload:
    """An upload. `object` holds the object at the key that its client writes to, and its writer.

    After the end of the upload, such an object is late. `attempts` counts the attempts to publish
    it, and `image_key` is the key of the attempt that won. `tries` are the attempts of workers that
    count, and `due` is when the next worker may take it.
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
    attempts: int = 0
    image_key: str = ""
    image_size: int = 0
    variants: list[tuple[str, int]] = field(default_factory=list)  # keys and sizes
    tries: int = 0
    due: datetime | None = None
    reason: str | None = None
    image: Any = None
    image_deleted: bool = False
    # Multipart: whether it was created in the bucket, and whether it still exists there.
    begun: bool = False
    parts_pinned: bool = False
    digests: dict[int, bytes] = field(default_factory=dict)  # the bytes that a part is pinned to
    urls: list[tuple[int, Any]] = field(default_factory=list)
    arrived: dict[int, bytes] = field(default_factory=dict)
    joined: bytes = b""  # the parts as the bucket has put them together
    in_bucket: bool = False
    # When the completion was requested, and whether it is still running.
    completing: datetime | None = None
    coming: bool = False

    @property
    def final(self) -> str:
        return f"{self.owner.location}/{self.key}"

    @property
    def written(self) -> str:
        return f"incoming/{self.key}"

    @property
    def world(self) -> World:
        return self.owner.world

    @property
    def publishing(self) -> timedelta:
        return PUBLISHING + timedelta(seconds=self.size / COPIED_PER_SECOND)

    @property
    def unfinished(self) -> bool:
        return self.state in ("pending", "processing")

    def stale(self, now: datetime) -> bool:
        return self.state == "pending" and now >= self.expires_at + GRACE

    def takes(self, data: bytes) -> bool:
        """Check whether a valid form or URL accepts these bytes."""
        if self.open:
            return 1 <= len(data) <= MOST[self.owner.kind]
        return data == self.data[0] if self.pinned else len(data) == self.size

    def accepts(self, data: bytes) -> bool:
        """Check whether a confirm accepts these bytes, written in one request with their digest."""
        if self.transport == "multipart":
            return len(data) == self.size and not self.pinned
        return self.takes(data)

    def end(self, state: str, now: datetime) -> None:
        """End the upload; its object is deleted again when no signature can write it."""
        self.state = state
        dead_at = self.expires_at + GRACE
        stays_charged = self.transport != "multipart" and dead_at > now and self.window is not None
        if not stays_charged:
            self.world.quota.refund(self.window, self.size, 1)
        if self.completing is not None:
            dead_at = max(dead_at, self.completing + COMPLETION)
        refunds = self if stays_charged else None
        self.world.enqueue(self.written, now, until=dead_at, refunds=refunds)
        if self.attempts:
            self.world.enqueue(self.final, now, until=max(dead_at, now + self.publishing))
        if self.begun:
            self.world.enqueue(self.written, now, until=now + PUT + GRACE, abort=True)

    def reject(self, now: datetime) -> str:
        """Reject the upload, and delete its object at once; return the error."""
        self.end("rejected", now)
        self.world.drain(now, only=self.written)
        return "object_mismatch"

    def arrive(self, how: str) -> None:
        """Store the whole object."""
        data = self.joined if how == "whole" else b"".join(self.data)
        self.object, self.coming = (how, data), False

    def begin_to_publish(self, now: datetime) -> str:
        """Count an attempt; return its key. All but the first are in the outbox until they win."""
        self.attempts += 1
        target = self.world.next_target(self.final, self.attempts)
        if self.attempts > 1:
            self.world.enqueue(target, now + self.publishing)
        return target

    def become_image(self, now: datetime, target: str) -> str | None:
        """Confirm the upload; return the error if a newer avatar stays."""
        assert self.object is not None
        size = len(self.object[1])
        self.state, self.image, self.image_key = "confirmed", KEPT, target
        self.image_size = size
        if self.attempts > 1:
            self.world.enqueue(self.final, now, until=now + self.publishing)
            self.world.withdraw(target)
        self.world.quota.refund(self.window, self.size - size, 0)
        self.size = size
        if self.owner.kind == "user" and self.owner.has_newer(self):
            self.image_deleted = True
            self.world.enqueue(target, now, until=self.expires_at + GRACE)
        elif self.owner.kind == "user":
            self.owner.drop_images(now, but=self)
        self.world.enqueue(self.written, now)
        return "image_deleted" if self.image_deleted else None

    def drop_image(self, now: datetime) -> None:
        self.image_deleted = True
        for key in (self.image_key, *(key for key, _ in self.variants)):
            self.world.enqueue(key, now, until=now + PUT + GRACE)

    def being_completed(self, now: datetime) -> bool:
        return self.completing is not None and now - self.completing < COMPLETION

    @property
    def has_image(self) -> bool:
        return self.image is not None and not self.image_deleted


@dataclass(eq=False)
class ModelOwner:
    """An ad, a user or an owner by token with its uploads. `name` is what grants name."""

    kind: str
    id: int
    world: World
    keeps: bool = False  # whether the reaper confirms stale uploads that have arrived
    given: bool = False  # whether it belongs to another user now
    deleted: bool = False
    name: str = ""
    location: str = "media"
    uploads: list[ModelUpload] = field(default_factory=list)

    @property
    def quota(self) -> Quota:
        return self.world.quota

    def places(self) -> int:
        return sum(one.has_image or one.unfinished for one in self.uploads)

    def drop_images(self, now: datetime, but: ModelUpload | None = None) -> None:
        for upload in self.uploads:
            if upload.has_image and upload is not but:
                upload.drop_image(now)

    def has_newer(self, upload: ModelUpload) -> bool:
        return any(one.has_image for one in self.uploads[self.uploads.index(upload) + 1 :])

    def delete(self, now: datetime) -> None:
        self.deleted = True
        for upload in self.uploads:
            if upload.unfinished:
                upload.end("cancelled", now)
        self.drop_images(now)


SETTLED = {
    "expired": "upload_expired",
    "cancelled": "upload_cancelled",
    "rejected": "object_mismatch",
}


def why_settled(upload: ModelUpload) -> str:
    """Return the expected error of a change of an upload that is not pending."""
    if upload.state in ("confirmed", "processing"):
        return "upload_settled"
    return "upload_rejected" if upload.reason else SETTLED[upload.state]


def settled(upload: ModelUpload) -> str | None:
    """Return the expected error when the image of an upload that is not pending is read."""
    if upload.state == "confirmed":
        return "image_deleted" if upload.image_deleted else None
    return None if upload.state == "processing" else why_settled(upload)


def confirm(upload: ModelUpload, now: datetime, answer: str = ANSWERED) -> str | None:
    """Return the expected error of a confirm; None if it returns the image or awaits a worker.

    `answer` is the bucket's answer to each copy.
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
    _, base = upload.object
    for look in range(LOOKS):
        how, data = upload.object
        if how == "forged":
            break
        if upload.world.inspects:
            return _start_processing(upload, now, replaced=answer in (REPLACED, CHURNED))
        target = upload.begin_to_publish(now)
        if answer == CHURNED or (answer == REPLACED and look == 0):
            upload.object = ("forged" if upload.pinned else "sent", replacement(base, look))
            continue
        if answer != UNHEARD:
            upload.world.public[target] = len(data)
        if answer in (UNHEARD, DONE):
            return "storage_unavailable"
        return upload.become_image(now, target)
    return upload.reject(now)


def _start_processing(upload: ModelUpload, now: datetime, *, replaced: bool) -> None:
    """Hand the object over to the workers, also if it is replaced after its HEAD."""
    assert upload.object is not None
    how, data = upload.object
    if replaced:
        upload.object = (how, replacement(data, 0))
    upload.world.quota.refund(upload.window, upload.size - len(data), 0)
    upload.state, upload.due, upload.size = "processing", now, len(data)


def cancel(upload: ModelUpload, now: datetime) -> str | None:
    """Return the expected error of a cancel."""
    if upload.unfinished:
        upload.end("cancelled", now)
        if upload.begun:
            upload.world.drain(now, only=upload.written)
    return "upload_settled" if upload.state == "confirmed" else None


def renew(upload: ModelUpload, now: datetime) -> str | None:
    """Return the expected error of a renewal."""
    if upload.state != "pending":
        return why_settled(upload)
    if upload.stale(now):
        return "upload_expired"
    upload.expires_at = now + LIFE[upload.transport]
    return None
