"""Statements that are transactions by themselves: no BEGIN and no COMMIT travels for them.

On SQLite nothing travels. There the writers of one process take turns by a lock, since its own
waiting for another writer is a sleep that grows.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy.orm import Session

from broker.db.engine import BUSY_TIMEOUT_SECONDS
from broker.db.fast_path.driver_cursors import Cursor, Cursors
from broker.domain.errors import DatabaseUnavailable

# In a session's `info`: the lock that the process's own writers take turns by, on SQLite.
WRITER = "writer"
# There, too: cursors apart from the session's own connection.
CURSORS = "cursors"


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


def reading(session: Session) -> AbstractContextManager[Cursor]:
    """Give a cursor apart from the session's own transaction, for reads, each by itself."""
    cursors: Cursors = session.info[CURSORS]
    return cursors.one()


@contextmanager
def by_itself(session: Session) -> Iterator[Cursor]:
    """Give a cursor apart from the session's own transaction; end with its `commit`.

    On SQLite when no other of the process's writers writes; raises DatabaseUnavailable after the
    busy timeout.
    """
    cursors: Cursors = session.info[CURSORS]
    if not is_sqlite(session):
        with cursors.one() as cursor:
            yield cursor
        return
    lock: threading.Lock = session.info[WRITER]
    if not lock.acquire(timeout=BUSY_TIMEOUT_SECONDS):
        raise DatabaseUnavailable("The database is busy; try again.")
    try:
        with cursors.one() as cursor:
            yield cursor
    finally:
        lock.release()
