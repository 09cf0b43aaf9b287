"""Events for the marketplace, their deliveries, and the position of the feed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from broker.db.models.base import Base
from broker.db.types import BigId, UtcDateTime


class Event(Base):
    """What became true, with the whole state, in the transaction that made it true.

    The transaction leaves `sequence` empty. `services/events/numbering.py` sets it after the
    commit, so that the numbers have no gaps and their order never changes.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "owner_kind", "owner_id"),
        # Only events that are not numbered yet.
        Index(
            "ix_events_unnumbered",
            "id",
            sqlite_where=text("sequence IS NULL"),
            postgresql_where=text("sequence IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    # Events of one object have ids in the order of its states: each is inserted under its lock.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # A UUIDv7, by which receivers recognise an event that they have had before.
    event_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    type: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    owner_kind: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    # No foreign keys: these rows may be deleted sooner than the event.
    image_id: Mapped[int | None] = mapped_column(BigInteger)
    upload_id: Mapped[UUID | None] = mapped_column(Uuid)
    # The user of the upload, or the user who was erased.
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    # JSON, see `services/events/record.py`. It has keys, not URLs, and no names.
    data: Mapped[str] = mapped_column(Text)


class EventFeed(Base):
    """The one row that numbers events. It is locked before it is changed."""

    __tablename__ = "event_feed"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # The greatest sequence so far.
    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    # The greatest sequence of an event that was deleted because of its age.
    pruned_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    # Deliveries were inserted for all events up to this sequence.
    enqueued_sequence: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    # Part of every cursor. A restored database gets a new one, so that older cursors are refused.
    epoch: Mapped[str] = mapped_column(String(16))
    # When the receiver answered 410. Nothing is sent until an operator resumes.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Delivery(Base):
    """An event that the receiver has not accepted yet. `id` is the event's."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_due_at",
            "due_at",
            sqlite_where=text("dead_at IS NULL"),
            postgresql_where=text("dead_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True, autoincrement=False)
    # When it is sent next. A lease moves it into the future.
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    last_error: Mapped[str | None] = mapped_column(String(255))
    # Set after the last attempt: a dead letter, which waits for an operator.
    dead_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
