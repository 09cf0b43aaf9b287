"""One unit of work with the database, and the errors that mean it cannot be had."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from broker.db.engine import make_engine
from broker.db.one_trip import WRITER
from broker.db.timing import watch
from broker.domain.errors import DatabaseUnavailable

# The layers above name the type of what they pass on, without importing SQLAlchemy.
__all__ = ["Database", "Session", "unavailable_is_said"]


@contextmanager
def unavailable_is_said() -> Iterator[None]:
    """Turn what the driver raises while the database is away into DatabaseUnavailable."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable("The database cannot be reached; try again.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable("The database went away; try again.") from error
        raise


class Database:
    """A pool of connections to one database; made once a process, after any fork."""

    def __init__(self, url: str, *, statement_timeout: int = 0) -> None:
        self.engine = make_engine(url, statement_timeout)
        watch(self.engine)
        self._sessions = sessionmaker(
            self.engine, expire_on_commit=False, info={WRITER: threading.Lock()}
        )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session; what was not committed is rolled back.

        Raises:
            DatabaseUnavailable: the server is down, the connection broke, the pool or
                SQLite's write lock could not be had in time.
        """
        with unavailable_is_said(), self._sessions() as session:
            yield session

    def check(self) -> None:
        """Do one round trip; raises DatabaseUnavailable."""
        with self.session() as session:
            session.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
