"""All rows that the invariants compare, read in one session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select

from broker.db.models import (
    Ad,
    Base,
    Deletion,
    Erasure,
    Event,
    EventFeed,
    Image,
    ImageVariant,
    Owner,
    Upload,
    UploadPart,
    User,
    UserQuota,
)
from broker.db.session import Database

Rows = Sequence[Row[Any]]


def _all_of(model: type[Base]) -> Select[Any]:
    """Return a statement for plain rows, which cost a quarter of what objects of the ORM cost."""
    return select(*model.__table__.columns)


# Histories read after each action. A statement that is kept need not be analysed again.
_IMAGES = _all_of(Image)
_VARIANTS = _all_of(ImageVariant).order_by(ImageVariant.__table__.c.width)
_UPLOADS = _all_of(Upload)
_OWNERS = _all_of(Owner)
_ADS = select(Ad.__table__.c.id, Ad.__table__.c.places_taken.label("slots_taken"))
_USERS = select(User.__table__.c.id, User.__table__.c.is_erased)
_QUOTAS = _all_of(UserQuota)
_DELETIONS = _all_of(Deletion)
_PARTS = select(func.count()).select_from(UploadPart.__table__)
_ERASURES = _all_of(Erasure)
_EVENTS = _all_of(Event).order_by(Event.__table__.c.id)
_FEED = _all_of(EventFeed)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The rows of each table. `parts` is a number; variants are in ascending width."""

    images: Rows
    variants: Rows
    uploads: Rows
    owners: Rows
    ads: Rows
    users: Rows
    quotas: Rows
    deletions: Rows
    parts: int
    erasures: Rows
    events: Rows
    feed: Row[Any]


def stored_in(database: Database) -> Stored:
    """Return the rows as they are now."""
    with database.session() as session:

        def rows(statement: Select[Any]) -> Rows:
            return session.execute(statement).all()

        stored = Stored(
            images=rows(_IMAGES),
            variants=rows(_VARIANTS),
            uploads=rows(_UPLOADS),
            owners=rows(_OWNERS),
            ads=rows(_ADS),
            users=rows(_USERS),
            quotas=rows(_QUOTAS),
            deletions=rows(_DELETIONS),
            parts=session.execute(_PARTS).scalar_one(),
            erasures=rows(_ERASURES),
            events=rows(_EVENTS),
            feed=session.execute(_FEED).one(),
        )
        session.commit()
    return stored
