"""The deletions that were queued before an erasure, and belong to it."""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Erasure
from broker.domain.limits import Limits
from broker.domain.object_keys import INCOMING, published_locations, relative_key

# How many rows of the outbox are read at a time.
BATCH = 1000
# A relative key, and the kind and the name of its owner.
Belongs = Callable[[str, tuple[str, str]], bool]


def count_queued(session: Session, limits: Limits, erasure: Erasure, belongs: Belongs) -> None:
    """Let the erasure wait for the deletions of objects that belong to it.

    Those that another erasure waits for stay with it. Call this before anything changes a quota:
    the outbox locks a deletion before the quota that it refunds.
    """
    last = 0
    while rows := _page(session, after=last):
        last = rows[-1].id
        ids = [
            row.id
            for row in rows
            if (found := _owned(limits, row.object_key)) is not None and belongs(*found)
        ]
        if ids:
            session.execute(
                update(Deletion)
                .where(Deletion.id.in_(ids))
                .values(erasure_id=erasure.id)
                .execution_options(synchronize_session=False)
            )


def _page(session: Session, *, after: int) -> Sequence[Row[int, str]]:
    """Return the next deletions that no erasure waits for. After an outage there may be many."""
    return session.execute(
        select(Deletion.id, Deletion.object_key)
        .where(Deletion.erasure_id.is_(None), Deletion.id > after)
        .order_by(Deletion.id)
        .limit(BATCH)
    ).all()


def belong_to(owners: Collection[tuple[str, str]]) -> Belongs:
    """Return the check whether an object belongs to one of these owners."""
    return lambda _key, owner: owner in owners


def _owned(limits: Limits, object_key: str) -> tuple[str, tuple[str, str]] | None:
    """Return the relative key and the owner of an object; None if it is not one of a profile."""
    for location in (INCOMING, *published_locations(limits)):
        key = relative_key(location, object_key)
        found = None if key is None else limits.profiles.of_key(key)
        if key is not None and found is not None:
            profile, owner = found
            return key, (profile.owner_kind, owner)
    return None
