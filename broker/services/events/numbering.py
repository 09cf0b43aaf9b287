"""Number committed events, so that a reader of the feed never misses one.

Transactions commit in another order than they insert. So an event gets its number after its commit,
under one lock: the numbers have no gaps, and no smaller number appears later. The feed and the
deliverer number events before they read them.
"""

import secrets
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from broker.db.models import Event, EventFeed
from broker.services.work import Work

BATCH = 1000
EPOCH_BYTES = 4
# More events than any installation records between a backup and its restore.
RESTORE_GAP = 1_000_000_000


class FeedState(NamedTuple):
    """The row of `event_feed`, see `db/models/events.py: EventFeed`."""

    last_sequence: int
    pruned_sequence: int
    enqueued_sequence: int
    epoch: str


def number(work: Work) -> None:
    """Set the sequence of all committed events, in batches that are committed."""
    while _has_unnumbered(work) and _number_batch(work) == BATCH:
        pass


def read_state(session: Session) -> FeedState:
    """Return the state of the feed without locking it."""
    return FeedState(*session.execute(select(*_STATE)).one())


def lock_feed(session: Session) -> FeedState:
    """Lock the feed until the transaction ends. No other transaction numbers or deletes events.

    It is an UPDATE, because SQLite locks the database at the first write.
    """
    locked = (
        update(EventFeed)
        .values(last_sequence=EventFeed.last_sequence)
        .returning(*_STATE)
        .execution_options(synchronize_session=False)
    )
    return FeedState(*session.execute(locked).one())


def restart(work: Work) -> None:
    """Begin a new epoch after a restore, and commit.

    Readers have seen sequences that the restored database does not know, and keep the greatest one
    of each image. So the next ones are far above them, and cursors from before are refused.
    """
    work.session.execute(
        update(EventFeed).values(
            epoch=secrets.token_hex(EPOCH_BYTES),
            last_sequence=EventFeed.last_sequence + RESTORE_GAP,
        )
    )
    work.session.commit()


_STATE = (
    EventFeed.last_sequence,
    EventFeed.pruned_sequence,
    EventFeed.enqueued_sequence,
    EventFeed.epoch,
)


def _has_unnumbered(work: Work) -> bool:
    """Check whether there is something to number. Without it, nobody takes the lock."""
    found = work.session.scalar(select(Event.id).where(Event.sequence.is_(None)).limit(1))
    work.session.commit()
    return found is not None


def _number_batch(work: Work) -> int:
    session = work.session
    last = lock_feed(session).last_sequence
    place = func.row_number().over(order_by=Event.id).label("place")
    new = (
        select(Event.id, place)
        .where(Event.sequence.is_(None))
        .order_by(Event.id)
        .limit(BATCH)
        .subquery("new")
    )
    numbered = session.execute(
        update(Event)
        .where(Event.id == new.c.id)
        .values(sequence=last + new.c.place)
        .execution_options(synchronize_session=False)
    )
    count: int = numbered.rowcount  # type: ignore[attr-defined]
    session.execute(update(EventFeed).values(last_sequence=last + count))
    session.commit()
    return count
