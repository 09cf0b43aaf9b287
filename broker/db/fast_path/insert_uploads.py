"""Insert the rows of new tickets, if their owner is the asker's and has the places: at once.

PostgreSQL does all of it in one statement, and so in one round trip; what a quota is charged,
too. SQLite has no UPDATE within another statement: there it takes three, in one transaction,
and nothing travels. Rows go to both as one JSON text, so that a statement is the same however
many they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    ColumnElement,
    FromClause,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path.statements import Executor, InSession, Row
from broker.db.fast_path.transactions import by_itself, is_sqlite
from broker.db.models import Ad, Upload, User
from broker.db.quotas import Reservation, reserve_on_postgresql, reserve_on_sqlite
from broker.domain.transports import needs_promotion

_UPLOADS: Table = Upload.__table__  # type: ignore[assignment]


@dataclass(kw_only=True, slots=True)
class NewUpload:
    """A row of `Upload` that is still to be inserted; its `user_id` is the owner's to tell.

    Nobody changes it; to freeze it makes it take twice as long to make.
    """

    id: UUID
    state: str
    owner_kind: str
    owner_id: int
    issued_by: int
    key: str
    content_type: str
    size: int
    size_is_exact: bool
    checksum_sha256: str | None
    transport: str
    part_size: int | None
    return_url: str | None
    alt_text: str
    order: int
    created_at: datetime
    expires_at: datetime
    failures: int
    uppy_session_id: UUID | None

    @property
    def needs_promotion(self) -> bool:
        """Tell whether its bytes land below incoming/."""
        return needs_promotion(self.transport, self.checksum_sha256)


_NAMES = tuple(field.name for field in fields(NewUpload))
_AD = bindparam("ad_id", type_=BigInteger)
_ASKER = bindparam("asker_id", type_=BigInteger)
_COUNT = bindparam("count", type_=Integer)


def insert_uploads(
    session: Session,
    rows: Sequence[NewUpload],
    *,
    ad_id: int | None,
    user_id: int | None,
    limit: int,
    quota: Reservation | None,
    alone: bool,
) -> int | None:
    """Insert uploads for an ad, taking a place for each, or for a user, who has no places.

    Args:
        ad_id: the ad; None for a user's own uploads.
        user_id: whose the ad must be, None for anybody's; without an ad the user.
        limit: how many places the ad has.
        quota: what they take of the quota of the owner's user, who must be the asker.
        alone: commit with it; else the caller goes on, and commits.

    Gives the id of the owner's user; None, with nothing changed, where there is no such owner or
    it has too few places, or the user too little left of the quota.
    """
    owner = {"ad_id": ad_id, "asker_id": user_id, "count": len(rows), "place_limit": limit}
    insert = _in_three if is_sqlite(session) else _at_once
    if not alone:
        return insert(InSession(session), rows, owner, quota)
    with by_itself(session) as transaction:
        user_id = insert(transaction, rows, owner, quota)
        if user_id is not None:
            transaction.commit()
        return user_id


def _at_once(
    executor: Executor,
    rows: Sequence[NewUpload],
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> int | None:
    """Do all of it in one statement."""
    statement = _in_one(of_ad=owner["ad_id"] is not None, charged=quota is not None)
    values = {**owner, "new_rows": orjson.dumps(rows).decode()}
    if quota is not None:
        values |= quota.values
    return _user_id(executor.first(statement, values))


def _in_three(
    executor: Executor,
    rows: Sequence[NewUpload],
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> int | None:
    """Take the places, charge the quota, insert; where it gives None the caller rolls back."""
    user_id = _user_id(executor.first(_owner(of_ad=owner["ad_id"] is not None), owner))
    if user_id is None:
        return None
    window: datetime | None = None
    if quota is not None:
        reserved = executor.first(reserve_on_sqlite(), {**quota.values, "quota_user_id": user_id})
        if reserved is None:
            return None
        window = reserved[1]
    new_rows = orjson.dumps(rows, _as_sqlite_has_it, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    executor.first(_from_json(), {"new_rows": new_rows, "owner_user_id": user_id, "window": window})
    return user_id


def _as_sqlite_has_it(value: object) -> str:
    """Write a time as SQLAlchemy's DateTime does there: UTC, without its zone."""
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value)} is in no column")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _user_id(row: Row | None) -> int | None:
    return None if row is None else int(row[0])


@cache
def _owner(*, of_ad: bool) -> Select[Any] | ReturningUpdate[Any]:
    """Find the owner's user; an ad gives its places away in the same stroke."""
    if not of_ad:
        return select(User.id.label("user_id")).where(User.id == _ASKER)
    return _places_taken().where(*_has_places()).returning(Ad.owner_id.label("user_id"))


def _has_places() -> tuple[ColumnElement[bool], ...]:
    return (
        Ad.id == _AD,
        Ad.places_taken + _COUNT <= bindparam("place_limit", type_=Integer),
        or_(_ASKER.is_(None), Ad.owner_id == _ASKER),
    )


def _places_taken() -> Update:
    return update(Ad).values(places_taken=Ad.places_taken + _COUNT)


@cache
def _in_one(*, of_ad: bool, charged: bool) -> Insert:
    """Insert rows for an owner that has the places, and is charged."""
    owner = _charged_owner(of_ad=of_ad) if charged else _owner(of_ad=of_ad).cte("owner")
    rows = _recordset()
    chosen: list[ColumnElement[Any]] = [rows.c[name] for name in _NAMES]
    found = select(*chosen, *owner.c).join_from(rows, owner, true())
    into = postgresql.insert(_UPLOADS).from_select([*_NAMES, *owner.c.keys()], found)
    return into.returning(_UPLOADS.c.user_id)


def _charged_owner(*, of_ad: bool) -> CTE:
    """Find the owner's user, reserving what the quota and the ad must both have room for.

    All parts of a statement are carried out, whatever one of them finds. So the ad's row is
    locked as it is found to have places, the quota is charged where it was, and the places are
    taken where it could be: what was looked at cannot change in between, and where either has
    no room neither is changed. At READ COMMITTED a lock is had on a row's newest version, after
    another's commit, too, and what was asked of the row is asked of that again; the UPDATE then
    begins there.
    """
    if of_ad:
        room = select(Ad.owner_id.label("user_id")).where(*_has_places())
        room = room.with_for_update(key_share=True)
    else:
        room = select(User.id.label("user_id")).where(User.id == _ASKER)
    quota = reserve_on_postgresql(room.cte("room")).cte("quota")
    window = quota.c.window_start.label("quota_window")
    if not of_ad:
        return select(quota.c.user_id, window).cte("owner")
    taken = _places_taken().where(Ad.id == _AD, Ad.owner_id == quota.c.user_id)
    return taken.returning(Ad.owner_id.label("user_id"), window).cte("owner")


@cache
def _from_json() -> Insert:
    """Insert rows that come as one JSON text for an owner that has been found."""
    rows = func.json_each(bindparam("new_rows", type_=Text)).table_valued("value")
    chosen = [_of_json(rows.c.value, name) for name in _NAMES]
    further = [
        bindparam("owner_user_id", type_=BigInteger),
        bindparam("window", type_=_UPLOADS.c.quota_window.type),
    ]
    names = [*_NAMES, "user_id", "quota_window"]
    found = select(*chosen, *further)
    return insert(_UPLOADS).from_select(names, found, include_defaults=False)


def _of_json(row: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    value = func.json_extract(row, literal_column(f"'$.{name}'"))
    # An id has no dashes in SQLite.
    return func.replace(value, "-", "") if isinstance(_UPLOADS.c[name].type, Uuid) else value


def _recordset() -> FromClause:
    text = cast(bindparam("new_rows", type_=Text), JSON)
    columns = [column(name, _UPLOADS.c[name].type) for name in _NAMES]
    return func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
