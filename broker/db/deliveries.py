"""How many events wait for their delivery, and for how long. The times are the database's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, func, or_, select

from broker.db.leases import after
from broker.db.models import Delivery, Event, EventFeed
from broker.db.session import Session


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """The events that the receiver has not accepted.

    Attributes:
        count: those that will be sent, also those that no deliverer has seen yet.
        oldest: the age of the oldest of them.
        reason: why its last attempt failed; None before the first one.
        overdue: how long ago the first of them should have been sent.
        dead: those that were sent for the last time.
        stopped_at: when the receiver answered 410.
    """

    count: int
    oldest: timedelta
    reason: str | None
    overdue: timedelta
    dead: int
    stopped_at: datetime | None


def undelivered(session: Session, *, is_expected: bool = False) -> Undelivered:
    """Count the events.

    As long as no deliverer has ever run, events are counted only if one `is_expected` to run.
    """
    now, enqueued, stopped_at = session.execute(
        select(
            after(session, timedelta(), now=None),
            EventFeed.enqueued_sequence,
            EventFeed.stopped_at,
        )
    ).one()
    dead = session.scalar(select(func.count()).where(Delivery.dead_at.is_not(None))) or 0
    count, first, next_due = session.execute(
        select(func.count(), func.min(Delivery.id), func.min(Delivery.due_at)).where(
            Delivery.dead_at.is_(None)
        )
    ).one()
    oldest = session.execute(
        select(Event.created_at, Delivery.last_error).join(Delivery).where(Event.id == first)
    ).first()
    due: datetime | None = next_due
    created: datetime | None = oldest[0] if oldest else None
    if enqueued or is_expected:
        is_new = or_(Event.sequence > enqueued, Event.sequence.is_(None))
        unseen, since = session.execute(
            select(func.count(), func.min(Event.created_at)).where(is_new)
        ).one()
        count += unseen
        created = created or since
        due = min((time for time in (due, since) if time is not None), default=None)
    return Undelivered(
        count=count,
        oldest=_age(created, now),
        reason=oldest[1] if oldest else None,
        overdue=_age(due, now),
        dead=dead,
        stopped_at=stopped_at,
    )


def dead_letters(session: Session, limit: int) -> Sequence[Row[UUID, str | None]]:
    """Return `event_id` and `last_error` of the oldest dead letters."""
    return session.execute(
        select(Event.event_id, Delivery.last_error)
        .join(Event, Event.id == Delivery.id)
        .where(Delivery.dead_at.is_not(None))
        .order_by(Delivery.id)
        .limit(limit)
    ).all()


def _age(since: datetime | None, now: datetime) -> timedelta:
    return timedelta() if since is None else max(timedelta(), now - since)
