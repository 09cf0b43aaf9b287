"""Row leases: a process takes a row by moving its due time into the future.

If the process stops, the row becomes due again at that time. On PostgreSQL the rows that another
process is taking are skipped, so nobody waits; on SQLite one process writes at a time. The times
are those of the database, because the clocks of two machines may differ.

The uploads that wait for inspection and the outbox of deletions use this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path import take_row
from broker.db.types import UtcDateTime

# PostgreSQL takes any one of so many first rows. If all processes began with the same row, each
# would step over the rows that others are taking: with 64 processes a third fewer rows a second.
CANDIDATES = 16


# Compared by identity, because the statements of each queue are compiled once.
@dataclass(frozen=True, kw_only=True, eq=False)
class Queue:
    """Rows of one table that processes take in turn.

    Attributes:
        due: the column of the due time. It is the end of the lease while a row is leased.
        order: which of the due rows are taken first. If a lease does not change this column,
            PostgreSQL changes no index (a heap-only tuple), which saves a fifth of its CPU.
        lease: how long a row is leased.
        condition: which rows may be taken. It contains the constants of a partial index as text,
            because PostgreSQL does not use such an index for a parameter.
        changes: further columns that a lease changes.
    """

    due: InstrumentedAttribute[Any]
    order: InstrumentedAttribute[Any]
    lease: timedelta
    condition: ColumnElement[bool]
    changes: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)


def take(
    session: Session, queue: Queue, *, now: datetime | None = None, **values: Any
) -> Any | None:
    """Lease one of the first rows that are due, and commit; return None if there is none.

    On PostgreSQL it also returns None if other processes are taking all of the first rows.

    Args:
        session: without an open transaction; the row does not become part of it.
        queue: the rows.
        now: take only a row that was due at this time; by default at the time of the database.
        values: the parameters of the queue's condition.
    """
    due, taken = _statements(queue, _is_sqlite(session), now is not None)
    moment = now or datetime.now(UTC)
    until = max(moment, datetime.now(UTC)) + queue.lease
    row = take_row(session, due, taken, {"now": moment, "until": until, **values})
    if row is None:
        return None
    names = (column.name for column in _table(queue).columns)
    model: Any = queue.due.class_
    return model(**dict(zip(names, row, strict=True)))


def after(session: Session, wait: timedelta, *, now: datetime | None) -> ColumnElement[datetime]:
    """Return the time after a wait, as an expression; `now` is used if it is a later time.

    SQLite has one machine, and so one clock: there it is the time of this process.
    """
    if _is_sqlite(session):
        here = datetime.now(UTC)
        return literal(max(here, now or here) + wait, UtcDateTime)
    return _after(wait, None if now is None else literal(now, UtcDateTime))


def not_after(session: Session, now: datetime) -> ColumnElement[datetime]:
    """Return a time of this process, or the database's time if that is earlier.

    So a row is due at once even if the clock of this machine is ahead.
    """
    time = literal(now, UtcDateTime)
    return time if _is_sqlite(session) else cast(func.least(time, _now()), UtcDateTime)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _table(queue: Queue) -> Table:
    table: Table = queue.due.class_.__table__
    return table


def _now() -> ColumnElement[datetime]:
    """Return the database's time. An index can be searched for it, unlike clock_timestamp()."""
    return func.statement_timestamp()


def _after(wait: timedelta, now: ColumnElement[datetime] | None) -> ColumnElement[datetime]:
    time = _now() if now is None else func.greatest(_now(), now)
    return cast(time + literal(wait, Interval), UtcDateTime)


@cache
def _statements(
    queue: Queue, is_sqlite: bool, has_now: bool
) -> tuple[Select[Any], ReturningUpdate[Any]]:
    """Return the statements that find the first due row, and take a row."""
    now = bindparam("now", type_=UtcDateTime)
    if is_sqlite:
        until: ColumnElement[datetime] = bindparam("until", type_=UtcDateTime)
    else:
        until = _after(queue.lease, now if has_now else None)
    table = _table(queue)
    is_due = and_(queue.due <= (now if is_sqlite or has_now else _now()), queue.condition)
    due = select(table.c.id).where(is_due).order_by(queue.order)
    # Limits are constants, because PostgreSQL plans a parameter as a tenth of the table.
    first = due.limit(literal_column("1"))
    if is_sqlite:
        chosen = first.cte("chosen")
    else:
        near = due.limit(literal_column(str(CANDIDATES))).cte("near").prefix_with("MATERIALIZED")
        shuffled = select(near.c.id).order_by(func.random()).subquery("shuffled")
        chosen = (
            select(table.c.id)
            .join(shuffled, shuffled.c.id == table.c.id)
            .where(is_due)
            .limit(literal_column("1"))
            .with_for_update(of=table, skip_locked=True)
            .cte("chosen")
        )
    taken = (
        update(table)
        .where(table.c.id.in_(select(chosen.c.id)))
        .values({queue.due.key: until, **queue.changes})
        .returning(*table.columns)
    )
    return first, taken
