"""Statements that are transactions by themselves: no BEGIN and no COMMIT travels for them.

On SQLite nothing travels. There the writers of one process take turns by a lock, since its own
waiting for another writer is a sleep that grows.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from broker.db.engine import BUSY_TIMEOUT_SECONDS
from broker.domain.errors import DatabaseUnavailable

# In a session's `info`: the lock that the process's own writers take turns by, on SQLite.
WRITER = "writer"


def is_sqlite(session: Session) -> bool:
    """Tell whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def read_only(session: Session) -> None:
    """Let the session's next transaction be reads alone, each by itself; commit it as ever.

    At READ COMMITTED, which is what the broker asks for, each statement has its own snapshot
    in any case.
    """
    if not is_sqlite(session) and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


@contextmanager
def autocommit(session: Session) -> Iterator[Connection]:
    """Give a connection whose statements are committed as they are done."""
    with session.get_bind().engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


@contextmanager
def in_turn(session: Session) -> Iterator[Connection]:
    """Give the session's connection, on SQLite, when no other of the process's writers writes.

    Commits at the end; raises DatabaseUnavailable after the busy timeout.
    """
    lock: threading.Lock = session.info[WRITER]
    if not lock.acquire(timeout=BUSY_TIMEOUT_SECONDS):
        raise DatabaseUnavailable("The database is busy; try again.")
    try:
        yield session.connection()
        session.commit()
    finally:
        lock.release()
