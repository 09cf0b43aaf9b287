"""Lock the row of a user or an owner, so that an erasure and other transactions take turns.

On SQLite a transaction begins at its first write, and only one process writes at a time. So a lock
is an UPDATE there that changes nothing.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from broker.db.models import Owner, User


class ErasedState(NamedTuple):
    """When a user or an owner was erased last, and whether it still is."""

    erased_at: datetime | None
    is_erased: bool


def lock(
    session: Session, model: type[Owner] | type[User], *which: ColumnElement[bool]
) -> ErasedState | None:
    """Lock a row until the transaction ends, and return its state; None if there is none."""
    locked = (
        update(model)
        .where(*which)
        .values(is_erased=model.is_erased)
        .returning(model.erased_at, model.is_erased)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(locked).first()
    return None if row is None else ErasedState(*row)


def lock_shared(
    session: Session, model: type[Owner] | type[User], *which: ColumnElement[bool]
) -> ErasedState | None:
    """Lock a row as `lock` does. On PostgreSQL several transactions may hold such a lock."""
    if session.get_bind().dialect.name == "sqlite":
        return lock(session, model, *which)
    shared = select(model.erased_at, model.is_erased).where(*which).with_for_update(read=True)
    row = session.execute(shared).first()
    return None if row is None else ErasedState(*row)
