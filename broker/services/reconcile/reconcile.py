"""Reconcile bucket and rows in one pass over two sorted streams, in constant memory.

The rows are read by primary key, in committed pages, and sorted outside the database. So no
transaction stays open across a call to S3, and no collation decides the order.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, groupby

from sqlalchemy import select

from broker.db.models import Image, ImageVariant
from broker.domain.object_head import ListedObject
from broker.domain.object_keys import INCOMING, object_key, published_key, published_locations
from broker.domain.reconciliation import (
    Difference,
    ExpectedObject,
    ListingOutOfOrder,
    Tally,
    in_order,
    unmatched,
)
from broker.services.reconcile.delete_orphans import delete_orphan
from broker.services.reconcile.external_sort import ExternalSort
from broker.services.reconcile.recheck import recheck
from broker.services.work import Work

PAGE = 1000
# Opens a report of a bucket's objects.
Inventory = Callable[[], Iterable[ListedObject]]


def reconcile(
    work: Work,
    *,
    tally: Tally,
    inventory: Inventory | None = None,
    fix: bool = False,
    before: datetime | None = None,
) -> Iterator[Difference]:
    """Yield every difference below the location and `incoming/`, by key.

    It is safe while the broker runs: every suspected difference is checked again first.

    Args:
        work: reads and commits on its session, and asks the bucket.
        tally: counts objects, images and differences as they are read.
        inventory: opens a report of the bucket's objects, in any order. Without one the bucket
            is listed.
        fix: delete the orphans that the broker wrote and that are older than any ticket.
        before: with `fix`, delete only orphans that were written before that time.

    Raises:
        InvalidReport: the inventory is broken; nothing has been changed.
        StorageUnavailable, StorageDenied, DatabaseUnavailable, NoRoomToSort.
    """
    with ExternalSort(3) as rows, ExternalSort(1) as suspects:
        rows.add(_stored(work))
        _suspect(work, inventory, rows, suspects, tally)
        once = (key for (key,), _ in groupby(suspects))
        for found in recheck(work, once):
            done = delete_orphan(work, found, before=before) if fix else found
            tally.count(done)
            yield done


def _suspect(
    work: Work,
    inventory: Inventory | None,
    rows: ExternalSort,
    suspects: ExternalSort,
    tally: Tally,
) -> None:
    """Put the keys at which the two streams differ into `suspects`.

    An inventory is sorted first. A listing is sorted only if it is not in order.
    """
    if inventory is None:
        listed = in_order(_listed(work))
        try:
            suspects.add((key,) for key in unmatched(listed, _expected(rows), tally))
        except ListingOutOfOrder:
            suspects.clear()
            tally.objects = tally.images = 0
        else:
            return
    prefixes = _prefixes(work)
    source = _listed(work) if inventory is None else inventory()
    with ExternalSort(4) as objects:
        objects.add(
            (found.key, found.size, found.etag, found.last_modified.isoformat())
            for found in source
            if found.key.startswith(prefixes)
        )
        listed = (
            ListedObject(
                key=key, size=size, etag=etag, last_modified=datetime.fromisoformat(modified)
            )
            for key, size, etag, modified in objects
        )
        suspects.add((key,) for key in unmatched(listed, _expected(rows), tally))


def _prefixes(work: Work) -> tuple[str, ...]:
    """Return the key prefixes that the broker uses, in the order of keys."""
    locations = (*published_locations(work.limits), INCOMING)
    return tuple(sorted(object_key(location, "") for location in locations))


def _listed(work: Work) -> Iterator[ListedObject]:
    return chain.from_iterable(map(work.storage.list_objects, _prefixes(work)))


def _stored(work: Work) -> Iterator[tuple[str, int, str]]:
    """Yield the key, size and ETag of every image and variant."""
    for table in (Image, ImageVariant):
        yield from _stored_in(work, table)


def _stored_in(
    work: Work, table: type[Image] | type[ImageVariant]
) -> Iterator[tuple[str, int, str]]:
    """Read a table in pages, each in its own transaction."""
    last = 0
    while True:
        page = work.session.execute(
            select(table.id, table.key, table.size, table.etag)
            .where(table.id > last)
            .order_by(table.id)
            .limit(PAGE)
        ).all()
        work.session.commit()
        for row in page:
            yield published_key(work.limits, row.key), row.size, row.etag
        if len(page) < PAGE:
            return
        last = page[-1].id


def _expected(rows: ExternalSort) -> Iterator[ExpectedObject]:
    for key, size, etag in rows:
        yield ExpectedObject(key=key, size=size, etag=etag)
