"""Take one row of a queue as a transaction of its own: one round trip, also if no row is due."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path.statements import Row
from broker.db.fast_path.transactions import is_sqlite, own_transaction, read_cursor


def take_row(
    session: Session, due: Select[Any], take: ReturningUpdate[Any], values: Mapping[str, Any]
) -> Row | None:
    """Execute `take`, commit, and return the row that it returns.

    On PostgreSQL it changes nothing, and costs as little as a read, if no row is due. On SQLite it
    would wait for the process that writes, so there `due` is read first.
    """
    if is_sqlite(session):
        with read_cursor(session) as cursor:
            if cursor.first(due, values) is None:
                return None
    with own_transaction(session) as transaction:
        row = transaction.first(take, values)
        transaction.commit()
    return row
