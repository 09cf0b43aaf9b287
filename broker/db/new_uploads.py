"""Insert the rows of new tickets, if their owner is the asker's and has the places: at once.

PostgreSQL does all of it in one statement, and so in one round trip; what a quota is charged,
too. SQLite has no UPDATE within a statement: there it takes two, or three, in one transaction,
and nothing travels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    FromClause,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.models import Ad, Upload, User
from broker.db.one_trip import autocommit, in_turn, is_sqlite
from broker.db.quotas import Reservation, reserve_on_postgresql, reserve_on_sqlite
from broker.domain.transports import needs_promotion

_UPLOADS: Table = Upload.__table__  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewUpload:
    """A row of `Upload` that is still to be inserted; its `user_id` is the owner's to tell."""

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
    if is_sqlite(session):
        if not alone:
            return _in_two(session.connection(), rows, owner, quota)
        with in_turn(session) as connection:
            inserted = _in_two(connection, rows, owner, quota)
            if inserted is None:
                session.rollback()
            return inserted
    statement = _in_one(of_ad=ad_id is not None, charged=quota is not None)
    values = {**owner, "new_rows": orjson.dumps(rows).decode()}
    if quota is not None:
        values |= quota.values
    if not alone:
        return _user_id(session.connection().execute(statement, values))
    with autocommit(session) as connection:
        return _user_id(connection.execute(statement, values))


def _in_two(
    connection: Connection,
    rows: Sequence[NewUpload],
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> int | None:
    """Take the places and insert the rows; where it gives None the caller rolls back."""
    statement = _owner(of_ad=owner["ad_id"] is not None)
    user_id = _user_id(connection.execute(statement, dict(owner)))
    if user_id is None:
        return None
    further: dict[str, Any] = {"user_id": user_id}
    if quota is not None:
        taker = {**quota.values, "quota_user_id": user_id}
        reserved = connection.execute(reserve_on_sqlite(), taker).first()
        if reserved is None:
            return None
        further["quota_window"] = reserved.window_start
    values = [{name: getattr(row, name) for name in _NAMES} | further for row in rows]
    connection.execute(insert(_UPLOADS), values)
    return user_id


def _user_id(found: CursorResult[Any]) -> int | None:
    first = found.first()
    return None if first is None else int(first[0])


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
    """Insert rows that come as one JSON text, whose statement is the same however many they are."""
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


def _recordset() -> FromClause:
    text = cast(bindparam("new_rows", type_=Text), JSON)
    columns = [column(name, _UPLOADS.c[name].type) for name in _NAMES]
    return func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
