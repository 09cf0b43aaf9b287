"""Deletions of objects that wait in the outbox."""

from collections.abc import Collection

from sqlalchemy import or_, select

from broker.db.models import Deletion
from broker.domain.object_keys import (
    INCOMING,
    object_key,
    published_key,
    published_locations,
    relative_key,
    unsuffixed,
)
from broker.services.history.fact import History, stamp
from broker.services.work import Work


def add_deletions(work: Work, history: History, keys: Collection[str], *, is_whole: bool) -> None:
    """Add what the outbox is still to delete.

    Args:
        work: reads.
        history: the lines are added to it.
        keys: relative keys of uploads and images.
        is_whole: whether the history is of whole owners. Otherwise it is only of these keys.
    """
    folders = dict.fromkeys(f"{key.rpartition('/')[0]}/" for key in keys)
    prefixes = [
        prefix
        for folder in folders
        for prefix in (published_key(work.limits, folder), object_key(INCOMING, folder))
    ]
    if not prefixes:
        return
    waiting = work.session.scalars(
        select(Deletion)
        .where(or_(*(Deletion.object_key.startswith(one, autoescape=True) for one in prefixes)))
        .order_by(Deletion.not_before)
    )
    wanted = {unsuffixed(key) for key in keys}
    for row in waiting:
        if is_whole or _unsuffixed(work, row.object_key) in wanted:
            history.now.append((row.object_key, _text(row)))


def _unsuffixed(work: Work, key: str) -> str:
    locations = (INCOMING, *published_locations(work.limits))
    relative = next(
        (one for location in locations if (one := relative_key(location, key)) is not None), key
    )
    return unsuffixed(relative)


def _text(row: Deletion) -> str:
    is_object = row.multipart_id is None
    what = "is to be deleted" if is_object else "its parts are to be deleted"
    again = f", and again at {stamp(row.repeat_at)}" if row.repeat_at is not None else ""
    error = f"; {row.attempts} attempts, last error: {row.last_error}" if row.last_error else ""
    refund = "; then the quota is refunded" if row.upload_id is not None else ""
    return f"{what} at {stamp(row.not_before)}{again}{refund}{error}"
