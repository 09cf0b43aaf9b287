"""Read events in their order, and all published files, for a backend that resynchronises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from broker.db.models import Event, EventFeed, Image, Upload, User
from broker.domain.errors import CursorExpired, Forbidden
from broker.domain.profiles import Profile
from broker.services.events.numbering import FeedState, number, read_state
from broker.services.work import Work


class Cursor(NamedTuple):
    """A position in the feed: the sequence of the last event that was read."""

    epoch: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Events with the stored subjects of their users, and the position after them."""

    events: Sequence[Row[Event, str | None]]
    cursor: Cursor


def read_events(work: Work, *, after: Cursor | None, limit: int) -> EventPage:
    """Return the events after a position; without one, from the oldest event that is kept.

    Raises:
        Forbidden: the caller is no service.
        CursorExpired: events after this position were deleted because of their age, or the
            database was restored from a backup.
    """
    require_service(work)
    number(work)
    # Older events that were not delivered are kept, but not for the feed.
    oldest = select(EventFeed.pruned_sequence).scalar_subquery()
    position = oldest if after is None else after.sequence
    events = work.session.execute(
        select(Event, User.subject)
        .outerjoin(User, User.id == Event.user_id)
        .where(Event.sequence > position)
        .order_by(Event.sequence)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    # Read after the events: if some of them were deleted before they could be read, this shows it.
    state = read_state(work.session)
    work.session.commit()
    if after is not None and not _is_kept(after, state):
        raise CursorExpired(
            "Events after this cursor were deleted, or the database was restored. Request a new "
            "cursor with after=latest, read all files from /api/files/, and go on from the new "
            "cursor."
        )
    last = events[-1][0].sequence if events else None
    if last is None:
        last = state.pruned_sequence if after is None else after.sequence
    return EventPage(events=events, cursor=Cursor(state.epoch, last))


def _is_kept(after: Cursor, state: FeedState) -> bool:
    """Check whether all events after a position can still be read.

    A position after the last event is that of a database from which this one was not restored.
    """
    is_known = state.pruned_sequence <= after.sequence <= state.last_sequence
    return is_known and after.epoch == state.epoch


def latest(work: Work) -> Cursor:
    """Return the position after all events so far; raise Forbidden if the caller is no service."""
    require_service(work)
    number(work)
    state = read_state(work.session)
    work.session.commit()
    return Cursor(state.epoch, state.last_sequence)


def read_files(
    work: Work, *, profile: Profile | None, after: int, limit: int
) -> Sequence[Row[Image, int, str | None]]:
    """Return published files with ids above `after`; `limit + 1` files if another page follows.

    Each comes with the user of its upload and the user's stored subject.

    Raises:
        Forbidden: the caller is no service.
    """
    require_service(work)
    kinds: Any = work.limits.profiles.owner_kinds if profile is None else [profile.owner_kind]
    files = work.session.execute(
        select(Image, Upload.user_id, User.subject)
        .outerjoin(Upload, Upload.id == Image.upload_id)
        .outerjoin(User, User.id == Upload.user_id)
        .where(Image.id > after, Image.owner_kind.in_(kinds))
        .order_by(Image.id)
        .limit(limit + 1)
        .execution_options(populate_existing=True)
    ).all()
    work.session.commit()
    return files


def require_service(work: Work) -> None:
    """Raise Forbidden if the caller is no service."""
    if not work.principal.is_service:
        raise Forbidden("Only a service may read this.")
