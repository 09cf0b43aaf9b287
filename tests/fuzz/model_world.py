"""The part of the model that all uploads share: the quota, the outbox and the public objects."""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.model import ModelUpload

MIB = 1024**2
WINDOW = timedelta(hours=2)
QUOTA_BYTES, QUOTA_FILES = 32 * MIB, 8
LEASE, BACKOFF_MAX = timedelta(seconds=30), timedelta(hours=1)


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


@dataclass(kw_only=True)
class Row:
    """A row of the outbox. `window` is the window that was charged for a late object."""

    key: str
    due: datetime
    repeat: datetime | None = None
    abort: bool = False
    attempts: int = 0
    refunds: "ModelUpload | None" = None
    window: datetime | None = None


@dataclass
class World:
    """What the uploads of a history share.

    `public` has the size of each object below media/. `targets` has the public keys to which the
    broker has copied since the last action, and `used` every key that was ever chosen. While the
    bucket `refuses`, it deletes no object. While `inspects`, a worker inspects what has arrived.
    """

    quota: Quota = field(default_factory=Quota)
    rows: list[Row] = field(default_factory=list)
    uploads: dict[str, "ModelUpload"] = field(default_factory=dict)  # by the key that is written
    public: dict[str, int] = field(default_factory=dict)
    targets: deque[str] = field(default_factory=deque)
    used: set[str] = field(default_factory=set)
    refuses: bool = False
    inspects: bool = False

    def next_target(self, first: str, attempt: int) -> str:
        """Return the key of an attempt to copy an object."""
        return self.use_target(self.targets.popleft(), first, attempt)

    def use_target(self, key: str, first: str, attempt: int) -> str:
        """Check the key of an attempt to publish. Each key is used for one attempt only."""
        if attempt == 1:
            assert key == first
        else:
            stem, _, extension = first.rpartition(".")
            assert re.fullmatch(rf"{re.escape(stem[:-8])}[A-Za-z0-9]{{8}}\.{extension}", key), (
                key,
                first,
            )
            assert key != first
        assert key not in self.used
        self.used.add(key)
        return key

    def enqueue(
        self,
        key: str,
        now: datetime,
        *,
        until: datetime | None = None,
        refunds: "ModelUpload | None" = None,
        window: datetime | None = None,
        abort: bool = False,
    ) -> None:
        """Add a row that deletes now, and again at `until` if that is later."""
        repeat = until if until is not None and until > now else None
        self.rows.append(
            Row(key=key, due=now, repeat=repeat, refunds=refunds, window=window, abort=abort)
        )

    def withdraw(self, key: str) -> None:
        """Remove the row of a key that an image is about to name."""
        (row,) = self.untried(key)
        self.rows.remove(row)

    def untried(self, key: str) -> list[Row]:
        """Return the rows of a key whose deletion cannot have begun."""
        return [row for row in self.rows if row.key == key and not row.abort and not row.attempts]

    def drain(self, now: datetime, only: str | None = None) -> Counter[str]:
        """Carry out the due rows; return how many were `deleted` and `postponed`."""
        counts: Counter[str] = Counter()
        for row in list(self.rows):
            while row in self.rows and row.due <= now and only in (None, row.key):
                if self.refuses and not row.abort:
                    row.due = now + min(LEASE * 2 ** min(row.attempts, 7), BACKOFF_MAX)
                    row.attempts += 1
                    counts["postponed"] += 1
                    continue
                counts["deleted"] += 1
                self._carry_out(row)
        return counts

    def _carry_out(self, row: Row) -> None:
        if not row.abort:
            self.public.pop(row.key, None)
            if row.key in self.uploads:
                self.uploads[row.key].object = None
        if row.repeat is not None:
            row.due, row.repeat, row.attempts = row.repeat, None, 0
            return
        self.rows.remove(row)
        if row.refunds is not None:
            window = row.refunds.window if row.window is None else row.window
            self.quota.refund(window, row.refunds.size, 1)

    def sweep(self, now: datetime) -> int:
        """Queue every object of an ended upload; return how many were not queued yet."""
        late = [upload for upload in self.uploads.values() if not upload.unfinished]
        # Windows and sums do not depend on the order, because all are charged at the same time.
        return sum(self.delete_late(upload, now) for upload in late)

    def delete_late(self, upload: "ModelUpload", now: datetime) -> bool:
        """Queue the object that a client wrote after its upload had ended, and charge for it.

        Return False if there is no object, or if its deletion is due or being tried already.
        """
        if upload.object is None:
            return False
        rows = [row for row in self.rows if row.key == upload.written and not row.abort]
        if any(row.attempts or row.due <= now for row in rows):
            return False
        window = None
        if upload.window is not None and all(row.refunds is None for row in rows):
            self.quota.take([upload.size], now)
            window = self.quota.begun
        refunds = None if window is None else upload
        self.enqueue(upload.written, now, refunds=refunds, window=window)
        return True
