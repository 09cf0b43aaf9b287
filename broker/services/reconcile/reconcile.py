"""Reconcile: bucket against rows, in one pass over two sorted streams, in constant memory.

The rows are read by their primary key in committed pages and sorted outside the database: no
transaction stays open across a call to S3, and no collation decides the order.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Image
from broker.domain.limits import Limits
from broker.domain.object_head import ListedObject
from broker.domain.object_keys import INCOMING, object_key
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
from broker.storage.protocol import ObjectStorage, Storage

PAGE = 1000
# Opens a report of a bucket's objects.
Inventory = Callable[[], Iterable[ListedObject]]


def reconcile(
    session: Session,
    storage: Storage,
    limits: Limits,
    *,
    now: datetime,
    tally: Tally,
    inventory: Inventory | None = None,
    fix: bool = False,
    before: datetime | None = None,
) -> Iterator[Difference]:
    """Give every difference below the location and `incoming/`, by key; counts into `tally`.

    Safe beside a live broker: each suspected difference is looked at again before it is given.

    Args:
        inventory: opens a report of the bucket's objects, in any order; the bucket is listed
            where there is none.
        fix: delete the orphans that are ours and older than any ticket.
        before: with `fix`, only those that were written before that.

    Raises:
        InvalidReport: the inventory is broken; nothing has been changed.
        StorageUnavailable, StorageDenied, DatabaseUnavailable, NoRoomToSort.
    """
    with ExternalSort(3) as rows, ExternalSort(1) as suspects:
        rows.add(_stored(session, limits))
        _suspect(storage, limits, inventory, rows, suspects, tally)
        once = (key for (key,), _ in groupby(suspects))
        for found in recheck(session, storage, limits, once):
            done = found
            if fix:
                done = delete_orphan(session, storage, limits, found, now=now, before=before)
            tally.count(done)
            yield done


def _suspect(
    storage: ObjectStorage,
    limits: Limits,
    inventory: Inventory | None,
    rows: ExternalSort,
    suspects: ExternalSort,
    tally: Tally,
) -> None:
    """Put the keys at which the streams part into `suspects`.

    An inventory is sorted first; so is a listing that turns out not to be in order.
    """
    if inventory is None:
        listed = in_order(_listed(storage, limits))
        try:
            suspects.add((key,) for key in unmatched(listed, _expected(rows), tally))
        except ListingOutOfOrder:
            suspects.clear()
            tally.objects = tally.images = 0
        else:
            return
    prefixes = _prefixes(limits)
    source = _listed(storage, limits) if inventory is None else inventory()
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


def _prefixes(limits: Limits) -> tuple[str, ...]:
    """Name what is the broker's to look at, in the order of keys."""
    return tuple(sorted((object_key(limits.location, ""), object_key(INCOMING, ""))))


def _listed(storage: ObjectStorage, limits: Limits) -> Iterator[ListedObject]:
    return chain.from_iterable(map(storage.list_objects, _prefixes(limits)))


def _stored(session: Session, limits: Limits) -> Iterator[tuple[str, int, str]]:
    """Read every image's key, size and ETag in pages, each a transaction of its own."""
    last = 0
    while True:
        page = session.execute(
            select(Image.id, Image.key, Image.size, Image.etag)
            .where(Image.id > last)
            .order_by(Image.id)
            .limit(PAGE)
        ).all()
        session.commit()
        for row in page:
            yield object_key(limits.location, row.key), row.size, row.etag
        if len(page) < PAGE:
            return
        last = page[-1].id


def _expected(rows: ExternalSort) -> Iterator[ExpectedObject]:
    for key, size, etag in rows:
        yield ExpectedObject(key=key, size=size, etag=etag)
