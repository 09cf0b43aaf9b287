"""The deliveries: one row for each event that the receiver has not accepted yet.

A deliverer leases a row (`db/leases.py`), which counts the attempt. The number of the attempt is
the token of the lease: a deliverer whose lease has run out changes nothing.
"""

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, func, insert, literal, select, update

from broker.db import leases
from broker.db.models import Delivery, Event, EventFeed
from broker.services.events.numbering import FeedState, lock_feed, number, read_state
from broker.services.work import Work

# Longer than an attempt may take, see `send.LIMIT_SECONDS`.
LEASE = timedelta(seconds=60)
# The waits after the first failed attempt, the second, and so on.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
BATCH = 1000
# After a 410 nothing is sent.
_IS_STOPPED = exists(select(EventFeed.id).where(EventFeed.stopped_at.is_not(None)))
QUEUE = leases.Queue(
    due=Delivery.due_at,
    order=Delivery.due_at,
    lease=LEASE,
    condition=and_(Delivery.dead_at.is_(None), ~_IS_STOPPED),
    changes={"attempts": Delivery.attempts + 1},
)


def enqueue(work: Work) -> None:
    """Insert a delivery for each new event, in batches that are committed."""
    number(work)
    state = read_state(work.session)
    work.session.commit()
    while state.enqueued_sequence < state.last_sequence:
        state = _enqueue_batch(work)


def _enqueue_batch(work: Work) -> FeedState:
    state = lock_feed(work.session)
    next_ones = (
        select(Event.id, Event.sequence)
        .where(Event.sequence > state.enqueued_sequence)
        .order_by(Event.sequence)
        .limit(BATCH)
        .subquery()
    )
    # After a restore there is a large gap, see `numbering.restart`.
    end = work.session.scalar(select(func.max(next_ones.c.sequence))) or state.last_sequence
    work.session.execute(
        insert(Delivery).from_select(
            ["id", "due_at", "attempts"],
            select(Event.id, leases.not_after(work.session, work.now), literal(0)).where(
                Event.sequence > state.enqueued_sequence, Event.sequence <= end
            ),
        )
    )
    work.session.execute(update(EventFeed).values(enqueued_sequence=end))
    work.session.commit()
    return state._replace(enqueued_sequence=end)


def take(work: Work, *, now: datetime | None = None) -> Delivery | None:
    """Lease a delivery that is due; return None if none is. `now` replaces the database's time."""
    delivery: Delivery | None = leases.take(work.session, QUEUE, now=now)
    return delivery


def finish(work: Work, delivery: Delivery) -> bool:
    """Remove the delivery of an event that was accepted; return False if the lease was lost."""
    found = work.session.scalar(
        delete(Delivery)
        .where(Delivery.id == delivery.id, Delivery.attempts == delivery.attempts)
        .returning(Delivery.id)
    )
    work.session.commit()
    return found is not None


def retry_later(
    work: Work, delivery: Delivery, reason: str, *, now: datetime | None = None
) -> bool:
    """Store why an attempt failed, and when the next one is; return False if the lease was lost."""
    wait = WAITS[delivery.attempts - 1]
    return _change(
        work, delivery, last_error=reason, due_at=leases.after(work.session, wait, now=now)
    )


def is_last(delivery: Delivery) -> bool:
    """Check whether no attempt follows if this one fails."""
    return delivery.attempts > len(WAITS)


def bury(work: Work, delivery: Delivery, reason: str, *, now: datetime | None = None) -> bool:
    """Make a delivery a dead letter; return False if the lease was lost."""
    dead_at = leases.after(work.session, timedelta(), now=now)
    return _change(work, delivery, last_error=reason, dead_at=dead_at)


def give_back(work: Work, delivery: Delivery, *, now: datetime | None = None) -> bool:
    """End the lease without counting the attempt; return False if the lease was lost."""
    due_at = leases.after(work.session, timedelta(), now=now)
    return _change(work, delivery, attempts=Delivery.attempts - 1, due_at=due_at)


def stop(work: Work, delivery: Delivery, reason: str, *, now: datetime | None = None) -> bool:
    """Send nothing until an operator resumes; return False if the lease was lost.

    The attempt does not count. The receiver gets the event when it accepts events again.
    """
    time = leases.after(work.session, timedelta(), now=now)
    work.session.execute(
        update(EventFeed).where(EventFeed.stopped_at.is_(None)).values(stopped_at=time)
    )
    return _change(work, delivery, attempts=Delivery.attempts - 1, last_error=reason, due_at=time)


def _change(work: Work, delivery: Delivery, **values: object) -> bool:
    found = work.session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.attempts == delivery.attempts)
        .values(**values)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    work.session.commit()
    return found is not None
