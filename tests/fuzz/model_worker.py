"""The model of a worker: one attempt to process one upload, step by step.

An attempt holds its lease until another attempt takes the upload or the upload ends.
"""

from datetime import datetime, timedelta

from tests.fuzz.model import KEPT, PUBLISHING, ModelUpload

LEASE = timedelta(seconds=60)
TRIES = 5
RETRY_WAIT, STORAGE_WAIT = timedelta(seconds=10), timedelta(seconds=15)
ANNOUNCED = timedelta(minutes=45)  # until the first deletion of what an attempt has sent

# What interrupts an attempt. KILLED: nothing happens after it.
STORAGE, STOP, CRASH, DATABASE, KILLED = "storage", "stop", "crash", "database", "killed"
MISSING, MISMATCH, LOST = "missing", "checksum_mismatch", "lost"


class ModelAttempt:
    """One attempt. `failure` is why it does not publish the image, or None."""

    def __init__(self, upload: ModelUpload, now: datetime) -> None:
        assert upload.state == "processing"
        assert upload.due is not None
        assert upload.due <= now
        upload.attempts += 1
        upload.tries += 1
        upload.due = now + LEASE
        self.upload, self.number, self.tries = upload, upload.attempts, upload.tries
        self.failure = "processing_failed" if self.tries > TRIES else None
        self.reads_published = False
        self.announced: list[str] = []
        self.sizes: list[int] = []

    @property
    def holds(self) -> bool:
        """Whether the attempt still has its lease."""
        return self.upload.state == "processing" and self.upload.attempts == self.number

    def read(self) -> None:
        """Download the object, after which only its size and digest matter."""
        if self.upload.object is None:
            self.reads_published = self.upload.final in self.upload.world.public
            if not self.reads_published:
                self.failure = MISSING
            return
        data = self.upload.object[1]
        differs = self.upload.pinned and data != b"".join(self.upload.data)
        if self.failure is None and (differs or len(data) != self.upload.size):
            self.failure = MISMATCH

    def announce(self, keys: list[str], now: datetime) -> None:
        """Check the keys, put them into the outbox, and extend the lease."""
        assert self.failure is None
        world = self.upload.world
        own = self.number == 1 and not self.reads_published
        world.use_target(keys[0], self.upload.final, 1 if own else 2)
        stem = keys[0].rpartition(".")[0]
        widths = [16] if self.upload.owner.kind == "user" else [16, 32]
        assert keys[1:] == [f"{stem}_w{width}.webp" for width in widths]
        due = now + ANNOUNCED
        for key in keys:
            world.enqueue(key, due, until=due + PUBLISHING)
        self.announced = keys
        if self.holds:
            self.upload.due = now + LEASE
        else:
            self.failure = LOST

    def sent(self, key: str, size: int) -> None:
        """Store a file in the bucket."""
        assert self.failure is None
        assert key == self.announced[len(self.sizes)]
        self.sizes.append(size)
        self.upload.world.public[key] = size

    def finish(self, now: datetime) -> str:
        """Return the expected outcome. What was sent is deleted, unless it was published."""
        outcome = self._outcome(now)
        if outcome not in ("published", KILLED, DATABASE):
            for key in self.announced:
                for row in self.upload.world.untried(key):
                    row.due = row.due if row.repeat is None else now
        return outcome

    def give_back(self, now: datetime, wait: timedelta) -> str:
        """End the lease; the attempt does not count."""
        if not self.holds:
            return "lost"
        self.upload.tries -= 1
        self.upload.due = now + wait
        return "given_back"

    def _outcome(self, now: datetime) -> str:
        if self.failure in (KILLED, DATABASE):
            return self.failure
        if not self.holds or self.failure == LOST:
            return "lost"
        if self.failure in (STORAGE, STOP):
            return self.give_back(now, STORAGE_WAIT if self.failure == STORAGE else timedelta())
        if self.failure in (CRASH, MISSING) and self.tries < TRIES:
            self.upload.due = now + RETRY_WAIT * 2 ** (self.tries - 1)
            return "failed"
        if self.failure in (CRASH, MISSING):
            self.failure = "processing_failed"
        if self.failure is not None:
            self.upload.reason = self.failure
            self.upload.end("rejected", now)
            return "rejected"
        return self._publish(now)

    def _publish(self, now: datetime) -> str:
        upload, world = self.upload, self.upload.world
        if upload.owner.given:
            upload.end("cancelled", now)
            return "cancelled"
        rows = [row for key in self.announced for row in world.untried(key) if row.repeat]
        if len(rows) < len(self.announced):
            return "lost"
        for row in rows:
            world.rows.remove(row)
        upload.state, upload.image, upload.image_key = "confirmed", KEPT, self.announced[0]
        upload.image_size = self.sizes[0]
        upload.variants = list(zip(self.announced[1:], self.sizes[1:], strict=True))
        if upload.owner.kind == "user" and upload.owner.has_newer(upload):
            upload.image_deleted = True
            for key in self.announced:
                world.enqueue(key, now)
        elif upload.owner.kind == "user":
            upload.owner.drop_images(now, but=upload)
        if upload.image_key != upload.final:
            world.enqueue(upload.final, now, until=now + PUBLISHING)
        world.enqueue(upload.written, now)
        return "cancelled" if upload.image_deleted else "published"
