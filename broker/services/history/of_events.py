"""The facts in the rows of events: what the marketplace was told, and what it still waits for."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from broker.db.models import Delivery, Event, EventFeed
from broker.services.history.fact import Fact, History, stamp
from broker.services.work import Work

Owners = Collection[tuple[str, int]]


def add_events(
    work: Work,
    history: History,
    owners: Owners,
    uploads: Collection[UUID] | None,
    *,
    whole: Owners = (),
) -> None:
    """Add the events of owners, each with its delivery.

    Args:
        work: reads.
        history: the facts are added to it.
        owners: kinds and ids.
        uploads: only events of these uploads; None for all events of the owners.
        whole: kinds and ids of owners with all their events, also those of no upload.
    """
    feed = work.session.scalars(select(EventFeed)).one()
    found = select(Event, Delivery).outerjoin(Delivery, Delivery.id == Event.id)
    wanted = [_is_of(*owner) for owner in whole]
    for owner in owners:
        of_uploads = [] if uploads is None else [Event.upload_id.in_(uploads)]
        wanted.append(and_(_is_of(*owner), *of_uploads))
    if not wanted:
        return
    found = found.where(or_(*wanted))
    for event, delivery in work.session.execute(found.order_by(Event.id)):
        upload = f"upload {event.upload_id}" if event.upload_id else ""
        about = f"image {event.image_id}" if event.image_id else upload or "the owner"
        text = f"event {event.type}: {_delivery(event, delivery, feed)}"
        history.facts.append(Fact(time=event.created_at, about=about, text=text))
    if feed.stopped_at is not None:
        history.now.append(
            (
                "the receiver",
                f"answered 410 at {stamp(feed.stopped_at)}; nothing is sent until an operator"
                " resumes",
            )
        )


def _is_of(owner_kind: str, owner_id: int) -> ColumnElement[bool]:
    return and_(Event.owner_kind == owner_kind, Event.owner_id == owner_id)


def _delivery(event: Event, delivery: Delivery | None, feed: EventFeed) -> str:
    if event.sequence is None:
        return "not numbered yet"
    number = f"sequence {event.sequence}"
    if delivery is not None:
        error = f"; last error: {delivery.last_error}" if delivery.last_error else ""
        if delivery.dead_at is not None:
            return f"{number}, not delivered, a dead letter since {stamp(delivery.dead_at)}{error}"
        tried = f"attempt {delivery.attempts + 1}" if delivery.attempts else "first attempt"
        return f"{number}, not delivered yet, {tried} due {stamp(delivery.due_at)}{error}"
    if event.sequence <= feed.enqueued_sequence:
        return f"{number}, delivered or discarded"
    return f"{number}, in the feed" + (", not sent yet" if feed.enqueued_sequence else "")


def owners_of(rows: Sequence[tuple[str, int]]) -> Owners:
    """Return distinct owners in their order."""
    return list(dict.fromkeys(rows))
