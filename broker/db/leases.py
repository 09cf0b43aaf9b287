"""Row leases: a process takes a row by moving its due time into the future.

If the process stops, the row becomes due again at that time. On PostgreSQL the rows that another
process is taking are skipped, so nobody waits; on SQLite one process writes at a time. The times
are those of the database, because the clocks of two machines may differ.

The uploads that wait for inspection and the outbox of deletions use this.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, cast, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.db.types import UtcDateTime


def after(session: Session, wait: timedelta, *, now: datetime | None) -> ColumnElement[datetime]:
    """Return the time after a wait as an expression; `now` replaces the database's time.

    SQLite has one machine, and so one clock: there it is the time of this process.
    """
    if now is None and session.get_bind().dialect.name != "sqlite":
        return cast(func.clock_timestamp() + wait, UtcDateTime)
    return literal((now or datetime.now(UTC)) + wait, UtcDateTime)


def not_after(session: Session, now: datetime) -> ColumnElement[datetime]:
    """Return a time of this process, or the database's time if that is earlier.

    So a row is due at once even if the clock of this machine is ahead.
    """
    time = literal(now, UtcDateTime)
    if session.get_bind().dialect.name == "sqlite":
        return time
    return cast(func.least(time, func.clock_timestamp()), UtcDateTime)


def take(
    session: Session,
    due: InstrumentedAttribute[Any],
    *conditions: ColumnElement[bool],
    lease: timedelta,
    values: Mapping[Any, Any],
    limit: int = 1,
    now: datetime | None = None,
) -> Sequence[Any]:
    """Lease the rows that have been due for longest, and commit; return them.

    Args:
        session: without an open transaction.
        due: the column of the due time. It is the end of the lease while a row is leased.
        conditions: which rows may be taken.
        lease: how long the rows are leased.
        values: further columns to change.
        limit: the largest number of rows.
        now: the time; by default that of the database.
    """
    table = due.class_
    time = after(session, timedelta(), now=now)
    waiting = select(table.id).where(due <= time, *conditions).order_by(due).limit(limit)
    # A read is cheap, and on SQLite it does not wait for another process that writes.
    found = session.scalar(waiting.limit(1))
    session.commit()
    if found is None:
        return []
    taken = waiting.with_for_update(skip_locked=True).cte("taken")
    rows = session.scalars(
        update(table)
        .where(table.id.in_(select(taken.c.id)))
        .values({due: after(session, lease, now=now), **values})
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    session.commit()
    return rows
