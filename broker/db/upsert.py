"""Insert unless there: the one statement whose construct differs between dialects."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.db.models import Base


def insert_unless_there(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, or leave those that are there; both databases do this atomically."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(model).on_conflict_do_nothing(), list(rows))
