"""Insert rows that may exist; each dialect has its own statement for this."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.db.models import Base

Value = TypeVar("Value")


def insert_unless_there(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rows that do not exist yet; both databases do this atomically."""
    session.execute(_insert(session, model).on_conflict_do_nothing(), list(rows))


def insert_new(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    column: InstrumentedAttribute[Value],
) -> list[Value]:
    """Insert the rows that do not exist yet; return a column of the inserted rows."""
    insert = _insert(session, model).on_conflict_do_nothing().returning(column)
    return list(session.scalars(insert, list(rows)))


def insert_or_update(
    session: Session,
    model: type[Base],
    row: Mapping[str, Any],
    *,
    key: InstrumentedAttribute[Value],
    changes: Mapping[str, Any],
    where: ColumnElement[bool],
) -> bool:
    """Insert a row, or apply changes to the row that has its key; both databases do it atomically.

    Return False, with nothing changed, if that row does not meet the condition `where`.
    """
    insert = _insert(session, model).on_conflict_do_update(
        index_elements=[key], set_=changes, where=where
    )
    return session.scalar(insert.returning(key), row) is not None


def _insert(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's own INSERT; the generic one does not support ON CONFLICT."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(model)
