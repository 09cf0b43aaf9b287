"""Compare bucket and rows: merge two sorted streams, and describe the differences.

Python compares text by code point. That is the byte order of UTF-8, in which S3 lists keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from broker.domain.object_head import ListedObject


class ListingOutOfOrder(Exception):
    """The listing is not in byte order. SeaweedFS and S3 directory buckets list this way."""


class DifferenceKind(StrEnum):
    """A kind of difference.

    `orphan`: an object without a row. `missing`: an image or a variant without its object.
    `differs`: the object is not the recorded one.
    """

    ORPHAN = "orphan"
    MISSING = "missing"
    DIFFERS = "differs"


class Action(StrEnum):
    """The action on a difference.

    `none`: no fix was asked for. `kept`: the object must stay. `deleted`: it was deleted.
    `queued`: the outbox will delete it.
    """

    NONE = "none"
    KEPT = "kept"
    DELETED = "deleted"
    QUEUED = "queued"


@dataclass(frozen=True, kw_only=True)
class ExpectedObject:
    """The object of an image or a variant, as its row describes it; `key` is the object key."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key at which bucket and rows differ. Unknown fields are None.

    `detail` describes what differs, or why an orphan is kept. `is_variant` says whether a worker
    wrote an orphan as a variant of an image.
    """

    kind: DifferenceKind
    key: str
    detail: str
    image_id: int | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: datetime | None = None
    upload_id: str | None = None
    is_variant: bool = False
    action: Action = Action.NONE


@dataclass(kw_only=True)
class Tally:
    """Counts of what was compared and found. `images` counts images and variants."""

    objects: int = 0
    images: int = 0
    kinds: Counter[DifferenceKind] = field(default_factory=Counter)
    actions: Counter[Action] = field(default_factory=Counter)

    def count(self, found: Difference) -> None:
        """Count a difference and its action."""
        self.kinds[found.kind] += 1
        self.actions[found.action] += 1

    @property
    def differences(self) -> int:
        """Return the number of differences, including deleted orphans."""
        return self.kinds.total()


def in_order(objects: Iterable[ListedObject]) -> Iterator[ListedObject]:
    """Yield a listing; raise ListingOutOfOrder if a key is lower than the previous one."""
    last = ""
    for listed in objects:
        if listed.key < last:
            raise ListingOutOfOrder(f"{listed.key!r} was listed after {last!r}")
        last = listed.key
        yield listed


def unmatched(
    objects: Iterator[ListedObject], expected: Iterator[ExpectedObject], tally: Tally
) -> Iterator[str]:
    """Yield each key that only one side has, or whose size or ETag differs between the sides.

    Both streams must be sorted by key. Only one item of each is in memory.
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
