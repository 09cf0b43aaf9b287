"""The tables of owners: which columns hold an owner's user and its slots, for each profile."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import InstrumentedAttribute

from broker.db.models import Ad, Owner, Upload, User
from broker.domain.profiles import AD, USER, Profile


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnerTable:
    """The columns of the owners of one profile.

    Attributes:
        owner_kind: the value in the rows of uploads and images.
        id: the key, which uploads and images name as `owner_id`.
        name: the column that a request names; `id` itself, or the text in a grant.
        user_id: the user who owns it; `id` itself if the owner is a user; None if grants decide.
        slots: counts its files and unfinished uploads; None if they are not counted.
        erased_at: when it was erased last, if grants decide. Older grants count no more.
        only: which rows of the table are owners of this profile. Erased ones are not.
    """

    owner_kind: str
    id: InstrumentedAttribute[int]
    name: InstrumentedAttribute[Any]
    user_id: InstrumentedAttribute[int] | None
    slots: InstrumentedAttribute[int] | None
    erased_at: InstrumentedAttribute[Any] | None = None
    only: tuple[ColumnElement[bool], ...] = ()

    @property
    def is_users(self) -> bool:
        """Check whether the owners are users themselves."""
        return self.id is self.user_id

    @property
    def user(self) -> Any:
        """The column of the owner's user, if the table has one."""
        if self.user_id is None:
            raise LookupError(f"grants decide about owners of kind {self.owner_kind!r}")
        return self.user_id

    def value(self, owner: str) -> int | str:
        """Return an owner as a value of the column `name`."""
        return int(owner) if self.name is self.id else owner

    def has_id(self, owner_id: object) -> ColumnElement[bool]:
        """Return the condition that a row has this id."""
        return and_(self.id == owner_id, *self.only)

    def has_user(self, owner_id: object, user_id: object) -> ColumnElement[bool]:
        """Return the condition that the owner with this id belongs to this user."""
        return exists().where(self.has_id(owner_id), self.user == user_id)


_TABLES = {
    AD: OwnerTable(owner_kind=AD, id=Ad.id, name=Ad.id, user_id=Ad.owner_id, slots=Ad.slots_taken),
    USER: OwnerTable(
        owner_kind=USER,
        id=User.id,
        name=User.id,
        user_id=User.id,
        slots=None,
        only=(User.is_erased.is_(False),),
    ),
}


def table_of(profile: Profile) -> OwnerTable:
    """Return the table of a profile's owners; raise LookupError if there is none."""
    if profile.is_by_token:
        return _by_token(profile.owner_kind, is_counted=not profile.keeps_one)
    try:
        return _TABLES[profile.owner_kind]
    except KeyError:
        raise LookupError(f"no table for owners of kind {profile.owner_kind!r}") from None


def still_owned() -> ColumnElement[bool]:
    """Return the condition that an upload's owner still belongs to the upload's user.

    It holds for owners that are users themselves, and for those that have no user here.
    """
    return and_(
        *[
            or_(Upload.owner_kind != kind, table.has_user(Upload.owner_id, Upload.user_id))
            for kind, table in _TABLES.items()
            if not table.is_users
        ]
    )


@cache
def _by_token(owner_kind: str, *, is_counted: bool) -> OwnerTable:
    return OwnerTable(
        owner_kind=owner_kind,
        id=Owner.id,
        name=Owner.owner,
        user_id=None,
        slots=Owner.slots_taken if is_counted else None,
        erased_at=Owner.erased_at,
        only=(Owner.owner_kind == owner_kind, Owner.is_erased.is_(False)),
    )
