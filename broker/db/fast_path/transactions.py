"""Statements that run as their own transactions, without round trips for BEGIN and COMMIT.

On SQLite there are no round trips. There the writers of one process take turns with a lock,
because SQLite itself waits for another writer with longer and longer sleeps.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy.orm import Session

from broker.db.engine import BUSY_TIMEOUT_SECONDS
from broker.db.fast_path.driver_cursors import CursorPool, DriverCursor
from broker.domain.errors import DatabaseUnavailable

# In a session's `info`: on SQLite, the lock that one writer of the process holds at a time.
WRITER = "writer"
# In a session's `info`: cursors on connections other than the session's.
CURSORS = "cursors"


def is_sqlite(session: Session) -> bool:
    """Check whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def read_cursor(session: Session) -> AbstractContextManager[DriverCursor]:
    """Return a cursor outside the session's transaction, for reads."""
    pool: CursorPool = session.info[CURSORS]
    return pool.cursor()


@contextmanager
def own_transaction(session: Session) -> Iterator[DriverCursor]:
    """Yield a cursor outside the session's transaction; the caller ends with its `commit`.

    On SQLite this waits for the process's other writers; it raises DatabaseUnavailable after the
    busy timeout.
    """
    pool: CursorPool = session.info[CURSORS]
    if not is_sqlite(session):
        with pool.cursor() as cursor:
            yield cursor
        return
    lock: threading.Lock = session.info[WRITER]
    if not lock.acquire(timeout=BUSY_TIMEOUT_SECONDS):
        raise DatabaseUnavailable("The database is busy; try again.")
    try:
        with pool.cursor() as cursor:
            yield cursor
    finally:
        lock.release()
