"""Insert unless there: the one statement whose construct differs between dialects."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.db.models import Base


def insert_unless_there(session: Session, model: type[Base], values: Mapping[str, Any]) -> None:
    """Insert a row, or leave the one that is there; both databases do this atomically."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(model).values(**values).on_conflict_do_nothing())
    else:
        session.execute(postgresql.insert(model).values(**values).on_conflict_do_nothing())
