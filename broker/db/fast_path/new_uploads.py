"""Insert the rows of new tickets in one step, if the caller may do this and slots are free.

PostgreSQL needs one statement and one round trip, including the quota. SQLite does not allow an
UPDATE inside another statement, so it needs three statements in one transaction. Both get the rows
as one JSON text, so a statement is the same for any number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

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

from broker.db.fast_path.statements import Executor, Row, SessionExecutor
from broker.db.fast_path.transactions import is_sqlite, own_transaction
from broker.db.models import Upload
from broker.db.owner_tables import OwnerTable
from broker.db.quotas import Reservation, reserve_on_postgresql, reserve_on_sqlite
from broker.domain.upload_row import NewUpload

_UPLOADS: Table = Upload.__table__  # type: ignore[assignment]


_NAMES = tuple(field.name for field in fields(NewUpload))
_OWNER = bindparam("b_owner_id", type_=BigInteger)
_ASKER = bindparam("asker_id", type_=BigInteger)
_COUNT = bindparam("count", type_=Integer)


def insert_uploads(
    session: Session,
    rows: Sequence[NewUpload],
    *,
    table: OwnerTable,
    owner_id: int,
    asker_id: int | None,
    limit: int,
    quota: Reservation | None,
    commit: bool,
) -> int | None:
    """Insert uploads for an owner, reserve a slot for each, and charge the quota.

    Args:
        session: its transaction is used unless `commit` is set.
        rows: the uploads.
        table: the owner's table: the columns with its user and its slots.
        owner_id: the owner's id in that table.
        asker_id: the user who must own it; None for a service, which may ask for any owner.
        limit: the slots that the owner has.
        quota: what the uploads reserve of the quota of the owner's user.
        commit: commit in this step; otherwise the statements belong to the session's transaction.

    Returns:
        The id of the owner's user; None, with nothing changed, if there is no such owner, it
        belongs to another user, or too few slots or too little quota are left.
    """
    owner = {
        "b_owner_id": owner_id,
        "asker_id": asker_id,
        "count": len(rows),
        "slot_limit": limit,
    }
    insert = _in_three if is_sqlite(session) else _in_one
    if not commit:
        return insert(SessionExecutor(session), rows, table, owner, quota)
    with own_transaction(session) as transaction:
        user_id = insert(transaction, rows, table, owner, quota)
        if user_id is not None:
            transaction.commit()
        return user_id


def _in_one(
    executor: Executor,
    rows: Sequence[NewUpload],
    table: OwnerTable,
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> int | None:
    """Reserve the slots, charge the quota and insert in one statement."""
    values = {**owner, "new_rows": orjson.dumps(rows).decode()}
    if quota is not None:
        values |= quota.values
    return _user_id(executor.first(_insert_for_owner(table, charged=quota is not None), values))


def _in_three(
    executor: Executor,
    rows: Sequence[NewUpload],
    table: OwnerTable,
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> int | None:
    """Reserve the slots, charge the quota, insert. If this returns None, the caller rolls back."""
    user_id = _user_id(executor.first(_owner(table), owner))
    if user_id is None:
        return None
    window: datetime | None = None
    if quota is not None:
        reserved = executor.first(reserve_on_sqlite(), {**quota.values, "quota_user_id": user_id})
        if reserved is None:
            return None
        window = reserved[1]
    new_rows = orjson.dumps(rows, _to_sqlite, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    executor.first(_from_json(), {"new_rows": new_rows, "owner_user_id": user_id, "window": window})
    return user_id


def _to_sqlite(value: object) -> str:
    """Write a time as SQLAlchemy's DateTime does on SQLite: UTC, without a time zone."""
    if not isinstance(value, datetime):
        raise TypeError(f"no column has type {type(value)}")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _user_id(row: Row | None) -> int | None:
    return None if row is None else int(row[0])


@cache
def _owner(table: OwnerTable) -> Select[Any] | ReturningUpdate[Any]:
    """Return the statement that finds the owner's user, and reserves slots if they are counted."""
    user_id = table.user_id.label("user_id")
    if table.slots is None:
        return select(user_id).where(*_is_open(table))
    return _slots_taken(table).where(*_is_open(table)).returning(user_id)


def _is_open(table: OwnerTable) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions: the owner belongs to the caller, and has enough free slots."""
    conditions = [table.id == _OWNER, or_(_ASKER.is_(None), table.user_id == _ASKER)]
    if table.slots is not None:
        limit = bindparam("slot_limit", type_=Integer)
        conditions.append(table.slots + _COUNT <= limit)
    return tuple(conditions)


def _slots_taken(table: OwnerTable) -> Update:
    assert table.slots is not None  # noqa: S101 - the callers check
    return update(table.id.class_).values({table.slots: table.slots + _COUNT})


@cache
def _insert_for_owner(table: OwnerTable, *, charged: bool) -> Insert:
    """Return the statement that inserts rows if the owner has enough slots and quota."""
    owner = _charged_owner(table) if charged else _owner(table).cte("owner")
    rows = _recordset()
    chosen: list[ColumnElement[Any]] = [rows.c[name] for name in _NAMES]
    found = select(*chosen, *owner.c).join_from(rows, owner, true())
    names = [*_NAMES, *owner.c.keys()]
    into = postgresql.insert(_UPLOADS).from_select(names, found, include_defaults=False)
    return into.returning(_UPLOADS.c.user_id)


def _charged_owner(table: OwnerTable) -> CTE:
    """Return the query that reserves slots and quota; no row if too few slots or quota are left.

    PostgreSQL executes every part of a statement. First the owner's row is locked if it has enough
    slots. If there is such a row, the quota is charged. If the quota was charged, the slots are
    reserved. Nothing that was checked can change in between. At READ COMMITTED a lock is taken on
    the newest version of a row, even after another transaction's commit, and the conditions are
    checked again on that version; the UPDATE starts from there.
    """
    user_id = table.user_id.label("user_id")
    room = select(user_id).where(*_is_open(table))
    if table.slots is not None:
        room = room.with_for_update(key_share=True)
    quota = reserve_on_postgresql(room.cte("room")).cte("quota")
    window = quota.c.window_start.label("quota_window")
    if table.slots is None:
        return select(quota.c.user_id, window).cte("owner")
    taken = _slots_taken(table).where(table.id == _OWNER, table.user_id == quota.c.user_id)
    return taken.returning(user_id, window).cte("owner")


@cache
def _from_json() -> Insert:
    """Return the statement that inserts rows from one JSON text for an owner that was found."""
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
    # SQLite stores a UUID without dashes.
    return func.replace(value, "-", "") if isinstance(_UPLOADS.c[name].type, Uuid) else value


def _recordset() -> FromClause:
    text = cast(bindparam("new_rows", type_=Text), JSON)
    columns = [column(name, _UPLOADS.c[name].type) for name in _NAMES]
    return func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
