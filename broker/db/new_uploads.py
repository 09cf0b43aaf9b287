"""Insert the rows of new tickets, if their owner is the asker's and has the places: at once.

PostgreSQL does all of it in one statement, and so in one round trip. SQLite has no UPDATE within
a statement: there it takes two, in one transaction, and nothing travels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
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


def insert_uploads(
    session: Session,
    rows: Sequence[NewUpload],
    *,
    ad_id: int | None,
    user_id: int | None,
    limit: int,
    alone: bool,
) -> int | None:
    """Insert uploads for an ad, taking a place for each, or for a user, who has no places.

    Args:
        ad_id: the ad; None for a user's own uploads.
        user_id: whose the ad must be, None for anybody's; without an ad the user.
        limit: how many places the ad has.
        alone: commit with it; else the caller goes on, and commits.

    Gives the id of the owner's user; None, with nothing changed, where there is no such owner or
    it has too few places.
    """
    owner = {"ad_id": ad_id, "asker_id": user_id, "count": len(rows), "place_limit": limit}
    if is_sqlite(session):
        if not alone:
            return _in_two(session.connection(), rows, owner)
        with in_turn(session) as connection:
            return _in_two(connection, rows, owner)
    statement = _in_one(of_ad=ad_id is not None)
    values = {**owner, "new_rows": orjson.dumps(rows).decode()}
    if not alone:
        return _user_id(session.connection().execute(statement, values))
    with autocommit(session) as connection:
        return _user_id(connection.execute(statement, values))


def _in_two(
    connection: Connection, rows: Sequence[NewUpload], owner: Mapping[str, Any]
) -> int | None:
    statement = _owner(of_ad=owner["ad_id"] is not None)
    user_id = _user_id(connection.execute(statement, dict(owner)))
    if user_id is None:
        return None
    values = [{name: getattr(row, name) for name in _NAMES} | {"user_id": user_id} for row in rows]
    connection.execute(insert(_UPLOADS), values)
    return user_id


def _user_id(found: CursorResult[Any]) -> int | None:
    first = found.first()
    return None if first is None else int(first[0])


@cache
def _owner(*, of_ad: bool) -> Select[Any] | ReturningUpdate[Any]:
    """Find the owner's user; an ad gives its places away in the same stroke."""
    asker = bindparam("asker_id", type_=BigInteger)
    if not of_ad:
        return select(User.id.label("user_id")).where(User.id == asker)
    count = bindparam("count", type_=Integer)
    return (
        update(Ad)
        .where(
            Ad.id == bindparam("ad_id", type_=BigInteger),
            Ad.places_taken + count <= bindparam("place_limit", type_=Integer),
            or_(asker.is_(None), Ad.owner_id == asker),
        )
        .values(places_taken=Ad.places_taken + count)
        .returning(Ad.owner_id.label("user_id"))
    )


@cache
def _in_one(*, of_ad: bool) -> Insert:
    """Insert rows that come as one JSON text, whose statement is the same however many they are."""
    owner = _owner(of_ad=of_ad).cte("owner")
    rows = _recordset()
    chosen: list[ColumnElement[Any]] = [rows.c[name] for name in _NAMES]
    found = select(*chosen, owner.c.user_id).join_from(rows, owner, true())
    into = postgresql.insert(_UPLOADS).from_select([*_NAMES, "user_id"], found)
    return into.returning(_UPLOADS.c.user_id)


def _recordset() -> FromClause:
    text = cast(bindparam("new_rows", type_=Text), JSON)
    columns = [column(name, _UPLOADS.c[name].type) for name in _NAMES]
    return func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
