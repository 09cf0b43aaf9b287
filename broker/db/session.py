"""One unit of work with the database, and the errors that mean it cannot be had."""

import threading
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from broker.db.engine import make_engine
from broker.db.fast_path.driver_cursors import CursorPool
from broker.db.fast_path.transactions import CURSORS, WRITER
from broker.db.timing import watch
from broker.domain.errors import DatabaseUnavailable

# The layers above name the type of what they pass on, without importing SQLAlchemy.
__all__ = ["Database", "Session", "UnavailableIsSaid"]


class UnavailableIsSaid:
    """Turns what the driver raises in its block while the database is away into
    DatabaseUnavailable.
    """

    def __enter__(self) -> Any:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
            raise DatabaseUnavailable("The database cannot be reached; try again.") from error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise DatabaseUnavailable("The database went away; try again.") from error


class _Work(UnavailableIsSaid):
    """A session's block, at whose end what was not committed is rolled back."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Session:
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # One that was never used has nothing to give back, as with nearly every ticket.
        if self._session.in_transaction() or len(self._session.identity_map):
            with UnavailableIsSaid():
                self._session.close()
        super().__exit__(kind, error, trace)


class Database:
    """A pool of connections to one database; made once a process, after any fork."""

    def __init__(self, url: str, *, statement_timeout: int = 0) -> None:
        self.engine = make_engine(url, statement_timeout)
        watch(self.engine)
        self._cursors = CursorPool(self.engine)
        self._sessions = sessionmaker(
            self.engine,
            expire_on_commit=False,
            info={WRITER: threading.Lock(), CURSORS: self._cursors},
        )

    def session(self) -> AbstractContextManager[Session]:
        """Give a session; what was not committed is rolled back.

        Raises:
            DatabaseUnavailable: the server is down, the connection broke, the pool or
                SQLite's write lock could not be had in time.
        """
        return _Work(self._sessions())

    def check(self) -> None:
        """Do one round trip; raises DatabaseUnavailable."""
        with self.session() as session:
            session.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._cursors.dispose()
        self.engine.dispose()
