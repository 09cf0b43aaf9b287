"""What operators do with deliveries: send events again, drop them, and resume after a 410."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)

from broker.db import leases
from broker.db.models import Delivery, Event, EventFeed
from broker.services.events.numbering import lock_feed
from broker.services.work import Work

BATCH = 1000


def replay_since(work: Work, since: datetime) -> int:
    """Deliver all kept events since a time again, also those delivered; return their number.

    Events that no deliverer has seen yet are left out, because they will be delivered anyway.
    """
    return _replay(work, Event.created_at >= since)


def replay(work: Work, event_ids: Collection[UUID]) -> int:
    """Deliver events again, also those delivered; return how many of them are kept."""
    return _replay(work, Event.event_id.in_(event_ids))


def replay_dead(work: Work) -> int:
    """Deliver all dead letters again; return their number."""
    return _replay(work, _is_dead())


def discard(work: Work, event_ids: Collection[UUID]) -> int:
    """Do not deliver events; return how many of them were to be delivered."""
    return _discard(work, Event.event_id.in_(event_ids))


def discard_dead(work: Work) -> int:
    """Drop all dead letters; return their number. The events stay until they are pruned."""
    return _discard(work, _is_dead())


def resume(work: Work) -> bool:
    """Send again after a 410; return False if nothing was stopped."""
    found = work.session.scalar(
        update(EventFeed)
        .where(EventFeed.stopped_at.is_not(None))
        .values(stopped_at=None)
        .returning(EventFeed.id)
    )
    work.session.commit()
    return found is not None


def is_stopped(work: Work) -> bool:
    """Check whether the receiver has answered 410, so that nothing is sent."""
    stopped = exists(select(EventFeed.id).where(EventFeed.stopped_at.is_not(None)))
    found = work.session.scalar(select(stopped))
    work.session.commit()
    return bool(found)


def unknown(work: Work, event_ids: Collection[UUID]) -> list[UUID]:
    """Return the ids that no kept event has."""
    known = set(work.session.scalars(select(Event.event_id).where(Event.event_id.in_(event_ids))))
    work.session.commit()
    return [one for one in event_ids if one not in known]


def _is_dead() -> ColumnElement[bool]:
    return exists(select(Delivery.id).where(Delivery.id == Event.id, Delivery.dead_at.is_not(None)))


def _replay(work: Work, condition: ColumnElement[bool]) -> int:
    """Make matching events due, as if they had not been sent, in batches that are committed."""
    count = last = 0
    while ids := _page(work, condition, last):
        due_at = leases.not_after(work.session, work.now)
        # The lock waits for a deliverer that inserts deliveries of new events, and for retention.
        lock_feed(work.session)
        work.session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(due_at=due_at, attempts=0, last_error=None, dead_at=None)
            .execution_options(synchronize_session=False)
        )
        has_none = ~exists(select(Delivery.id).where(Delivery.id == Event.id))
        work.session.execute(
            insert(Delivery).from_select(
                ["id", "due_at", "attempts"],
                select(Event.id, due_at, literal(0)).where(Event.id.in_(ids), has_none),
            )
        )
        work.session.commit()
        count, last = count + len(ids), ids[-1]
    return count


def _page(work: Work, condition: ColumnElement[bool], after: int) -> Sequence[int]:
    """Return the next rows of events whose deliveries were inserted before."""
    seen = select(EventFeed.enqueued_sequence).scalar_subquery()
    ids = work.session.scalars(
        select(Event.id)
        .where(Event.id > after, Event.sequence <= seen, condition)
        .order_by(Event.id)
        .limit(BATCH)
    ).all()
    work.session.commit()
    return ids


def _discard(work: Work, condition: ColumnElement[bool]) -> int:
    ids: Any = select(Event.id).where(condition)
    found = work.session.execute(
        delete(Delivery).where(Delivery.id.in_(ids)).execution_options(synchronize_session=False)
    )
    count: int = found.rowcount  # type: ignore[attr-defined]
    work.session.commit()
    return count
