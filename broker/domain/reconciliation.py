"""Comparing bucket and rows: the merge of two sorted streams, and what can differ.

Python compares text by code point, which is UTF-8's byte order, and S3's order of keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from broker.domain.object_head import ListedObject


class ListingOutOfOrder(Exception):
    """A listing that is not in byte order, as SeaweedFS and S3 directory buckets give."""


class DifferenceKind(StrEnum):
    """`orphan`: no row knows the object; `missing`: a row's is gone; `differs`: it is another."""

    ORPHAN = "orphan"
    MISSING = "missing"
    DIFFERS = "differs"


class Action(StrEnum):
    """What was done: nothing was asked for, kept all the same, deleted, or left to the reaper."""

    NONE = "none"
    KEPT = "kept"
    DELETED = "deleted"
    QUEUED = "queued"


@dataclass(frozen=True, kw_only=True)
class ExpectedObject:
    """What an image's row says of its object; `key` is the bucket's."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key at which bucket and rows differ; what is not there is None.

    `detail` says in words what differs, or why an orphan is kept.
    """

    kind: DifferenceKind
    key: str
    detail: str
    image_id: int | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: datetime | None = None
    upload_id: str | None = None
    action: Action = Action.NONE


@dataclass(kw_only=True)
class Tally:
    """How much was compared and found, counted while it streams by."""

    objects: int = 0
    images: int = 0
    kinds: Counter[DifferenceKind] = field(default_factory=Counter)
    actions: Counter[Action] = field(default_factory=Counter)

    def count(self, found: Difference) -> None:
        """Count a difference, and what was done about it."""
        self.kinds[found.kind] += 1
        self.actions[found.action] += 1

    @property
    def differences(self) -> int:
        """Tell how many there are, deleted orphans included."""
        return self.kinds.total()


def in_order(objects: Iterable[ListedObject]) -> Iterator[ListedObject]:
    """Pass a listing on; raises ListingOutOfOrder at the first key below the one before it."""
    last = ""
    for listed in objects:
        if listed.key < last:
            raise ListingOutOfOrder(f"{listed.key!r} was listed after {last!r}")
        last = listed.key
        yield listed


def unmatched(
    objects: Iterator[ListedObject], expected: Iterator[ExpectedObject], tally: Tally
) -> Iterator[str]:
    """Give every key that is on one side alone, or on both with another size or ETag.

    Both must be sorted by key. Nothing is held but one of each.
    """
    listed, row = next(objects, None), next(expected, None)
    while listed is not None or row is not None:
        if row is None or (listed is not None and listed.key < row.key):
            assert listed is not None  # noqa: S101 (the loop's condition)
            yield listed.key
            tally.objects += 1
            listed = next(objects, None)
        elif listed is None or row.key < listed.key:
            yield row.key
            tally.images += 1
            row = next(expected, None)
        else:
            if (listed.size, listed.etag) != (row.size, row.etag):
                yield row.key
            tally.objects += 1
            tally.images += 1
            listed, row = next(objects, None), next(expected, None)
