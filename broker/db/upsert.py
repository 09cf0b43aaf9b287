"""Insert unless there: the one statement whose construct differs between dialects."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.db.models import Base

Value = TypeVar("Value")


def insert_unless_there(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, or leave those that are there; both databases do this atomically."""
    session.execute(_insert(session, model).on_conflict_do_nothing(), list(rows))


def insert_new(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    column: InstrumentedAttribute[Value],
) -> list[Value]:
    """Insert rows unless there, as above; gives a column of those that were inserted."""
    insert = _insert(session, model).on_conflict_do_nothing().returning(column)
    return list(session.scalars(insert, list(rows)))


def _insert(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Give the dialect's own construct: the standard one knows no conflicts."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(model)
