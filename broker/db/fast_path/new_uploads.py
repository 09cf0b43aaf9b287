"""Insert the rows of new tickets in one step, if the caller may do this and slots are free.

PostgreSQL needs one statement and one round trip, including the quota. SQLite does not allow an
UPDATE inside another statement, so it needs three statements in one transaction. PostgreSQL gets
the rows as one JSON text, so one prepared statement serves any number of rows. SQLite executes the
INSERT once for each row, which takes less time than JSON and than one INSERT of all rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from operator import attrgetter
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
from sqlalchemy import table as untyped_table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from broker.db.fast_path.statements import Executor, Row, SessionExecutor
from broker.db.fast_path.transactions import is_sqlite, own_transaction
from broker.db.models import Upload, User
from broker.db.owner_tables import OwnerTable
from broker.db.quotas import Reservation, reserve_on_postgresql, reserve_on_sqlite
from broker.domain.upload_row import NewUpload

_UPLOADS: Table = Upload.__table__  # type: ignore[assignment]


_NAMES = tuple(field.name for field in fields(NewUpload))
_STORED = (*_NAMES, "user_id", "owner_id", "quota_window")
_values = attrgetter(*_NAMES)
_ASKER = bindparam("asker_id", type_=BigInteger)
_COUNT = bindparam("count", type_=Integer)


@dataclass(frozen=True, kw_only=True)
class InsertedFor:
    """The owner of inserted uploads, and the user whose quota they reserve."""

    user_id: int
    owner_id: int


def insert_uploads(
    session: Session,
    rows: Sequence[NewUpload],
    *,
    table: OwnerTable,
    owner: str,
    asker_id: int,
    is_service: bool,
    issued_at: int | None,
    limit: int,
    quota: Reservation | None,
    commit: bool,
) -> InsertedFor | None:
    """Insert uploads for an owner, reserve a slot for each, and charge the quota.

    Args:
        session: its transaction is used unless `commit` is set.
        rows: the uploads.
        table: the owner's table: the columns with its user and its slots.
        owner: the owner, as text.
        asker_id: the user who asks, and who must own the owner, unless grants decide.
        is_service: the caller may ask for any owner.
        issued_at: when the caller's token was issued, in seconds since 1970.
        limit: the slots that the owner has.
        quota: what the uploads reserve of the quota of the owner's user.
        commit: commit in this step; otherwise the statements belong to the session's transaction.

    Returns:
        None, with nothing changed, if there is no such owner, it belongs to another user, it or the
        asker was erased after the token was issued, or too few slots or too little quota are left.
    """
    asked = {
        "b_owner": table.value(owner),
        "asker_id": None if is_service and table.user_id is not None else asker_id,
        "count": len(rows),
        "slot_limit": limit,
        "issued_at": datetime.fromtimestamp(issued_at or 0, UTC),
    }
    insert = _in_three if is_sqlite(session) else _in_one
    if not commit:
        return insert(SessionExecutor(session), rows, table, asked, quota)
    with own_transaction(session) as transaction:
        found = insert(transaction, rows, table, asked, quota)
        if found is not None:
            transaction.commit()
        return found


def _in_one(
    executor: Executor,
    rows: Sequence[NewUpload],
    table: OwnerTable,
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> InsertedFor | None:
    """Reserve the slots, charge the quota and insert in one statement."""
    values = {**owner, "new_rows": orjson.dumps(rows).decode()}
    if quota is not None:
        values |= quota.values
    return _found(executor.first(_insert_for_owner(table, charged=quota is not None), values))


def _in_three(
    executor: Executor,
    rows: Sequence[NewUpload],
    table: OwnerTable,
    owner: Mapping[str, Any],
    quota: Reservation | None,
) -> InsertedFor | None:
    """Reserve the slots, charge the quota, insert. If this returns None, the caller rolls back."""
    found = _found(executor.first(_owner(table, is_sqlite=True), owner))
    if found is None:
        return None
    window: datetime | None = None
    if quota is not None:
        reserved = executor.first(
            reserve_on_sqlite(), {**quota.values, "quota_user_id": found.user_id}
        )
        if reserved is None:
            return None
        window = reserved[1]
    of_owner = (found.user_id, found.owner_id, _to_sqlite(window))
    executor.many(_insert_row(), [(*map(_to_sqlite, _values(row)), *of_owner) for row in rows])
    return found


def _to_sqlite(value: Any) -> Any:
    """Write a value as SQLAlchemy does on SQLite, which takes four times as long."""
    if isinstance(value, UUID):
        return value.hex
    return _time(value) if isinstance(value, datetime) else value


@lru_cache(maxsize=8)
def _time(value: datetime) -> str:
    """Write a time in UTC, without a time zone. The rows of a batch have the same times."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _found(row: Row | None) -> InsertedFor | None:
    return None if row is None else InsertedFor(user_id=int(row[0]), owner_id=int(row[1]))


@cache
def _owner(table: OwnerTable, *, is_sqlite: bool = False) -> Any:
    """Return the statement that finds the owner's user, and reserves slots if they are counted.

    Otherwise it locks the row against an erasure. SQLite locks the database at the first write.
    """
    if table.slots is None and not is_sqlite:
        return select(*_ids(table)).where(*_is_open(table)).with_for_update(read=True)
    taken = _slots_taken(table) if table.slots is not None else _unchanged(table)
    return taken.where(*_is_open(table)).returning(*_ids(table))


def _unchanged(table: OwnerTable) -> Update:
    model = table.id.class_
    return update(model).values(is_erased=model.is_erased)


def _ids(table: OwnerTable) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return the id of the owner's user, and the owner's id. Without a user it is the asker."""
    user_id = _ASKER if table.user_id is None else table.user_id
    return user_id.label("user_id"), table.id.label("owner_id")


def _is_named(table: OwnerTable) -> tuple[ColumnElement[bool], ...]:
    return (table.name == bindparam("b_owner", type_=table.name.type), *table.only)


def _is_open(table: OwnerTable) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions: the owner belongs to the caller, and has enough free slots.

    If grants decide, the owner was not erased after the grant was issued, and the caller was not
    erased. The caller's row is locked first, in the order of an erasure.
    """
    conditions = list(_is_named(table))
    if table.user_id is not None:
        conditions.append(or_(_ASKER.is_(None), table.user_id == _ASKER))
    else:
        asker = select(User.id).where(User.id == _ASKER, User.is_erased.is_(False))
        conditions.append(asker.with_for_update(read=True).exists())
    if table.erased_at is not None:
        issued_at = bindparam("issued_at", type_=table.erased_at.type)
        conditions.append(or_(table.erased_at.is_(None), table.erased_at < issued_at))
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
    return into.returning(_UPLOADS.c.user_id, _UPLOADS.c.owner_id)


def _charged_owner(table: OwnerTable) -> CTE:
    """Return the query that reserves slots and quota; no row if too few slots or quota are left.

    PostgreSQL executes every part of a statement. First the owner's row is locked if it has enough
    slots. If there is such a row, the quota is charged. If the quota was charged, the slots are
    reserved. Nothing that was checked can change in between. At READ COMMITTED a lock is taken on
    the newest version of a row, even after another transaction's commit, and the conditions are
    checked again on that version; the UPDATE starts from there.
    """
    room = select(*_ids(table)).where(*_is_open(table))
    if table.slots is None:
        room = room.with_for_update(read=True)
    else:
        room = room.with_for_update(key_share=True)
    found = room.cte("room")
    quota = reserve_on_postgresql(found).cte("quota")
    window = quota.c.window_start.label("quota_window")
    charged = quota.c.user_id == found.c.user_id
    if table.slots is None:
        return select(found.c.user_id, found.c.owner_id, window).where(charged).cte("owner")
    taken = _slots_taken(table).where(*_is_named(table), table.id == found.c.owner_id, charged)
    return taken.returning(found.c.user_id, found.c.owner_id, window).cte("owner")


@cache
def _insert_row() -> Insert:
    """Return the statement that inserts one row of `_STORED`, as SQLite stores its values."""
    return insert(untyped_table(_UPLOADS.name, *map(column, _STORED)))


def _recordset() -> FromClause:
    text = cast(bindparam("new_rows", type_=Text), JSON)
    columns = [column(name, _UPLOADS.c[name].type) for name in _NAMES]
    return func.json_to_recordset(text).table_valued(*columns).render_derived(with_types=True)
