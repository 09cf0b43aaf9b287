"""The tables of owners: which columns hold an owner's user and its slots, for each kind."""

from dataclasses import dataclass

from sqlalchemy.orm import InstrumentedAttribute

from broker.db.models import Ad, User
from broker.domain.owners import AD, USER, OwnerKind


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnerTable:
    """The columns of one kind of owner.

    Attributes:
        id: the primary key, which uploads and images name as `owner_id`.
        user_id: the user who owns it; `id` itself if the owner is a user.
        slots: counts its images and pending uploads; None if they are not counted.
    """

    kind: OwnerKind
    id: InstrumentedAttribute[int]
    user_id: InstrumentedAttribute[int]
    slots: InstrumentedAttribute[int] | None

    @property
    def is_users(self) -> bool:
        """Check whether the owners are users themselves."""
        return self.id is self.user_id


_TABLES = (
    OwnerTable(kind=AD, id=Ad.id, user_id=Ad.owner_id, slots=Ad.slots_taken),
    OwnerTable(kind=USER, id=User.id, user_id=User.id, slots=None),
)
OWNER_TABLES = {table.kind.name: table for table in _TABLES}


def table_of(kind: str) -> OwnerTable:
    """Return the table of a kind; raise LookupError if the kind has no table."""
    try:
        return OWNER_TABLES[kind]
    except KeyError:
        raise LookupError(f"no table for owners of kind {kind!r}") from None
