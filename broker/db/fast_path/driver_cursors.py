"""Driver cursors that stay open between requests, for statements outside any session.

Errors are raised as SQLAlchemy's exceptions, and statements are timed like those of the engine.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine, Pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.db.engine import POOL_OVERFLOW, POOL_SIZE, POOL_TIMEOUT_SECONDS
from broker.db.fast_path.statements import Compiled, Row, Statement, compiled
from broker.db.liveness import closed_by_server
from broker.db.timing import observe


class DriverCursor:
    """A driver's cursor on a pooled connection, which it keeps until it is closed.

    On PostgreSQL each statement is committed automatically. On SQLite, call `commit`.
    """

    def __init__(self, pool: Pool, dialect: Dialect) -> None:
        self._dialect = dialect
        self.commits_each = dialect.name != "sqlite"
        self._broken = False
        try:
            self._connection = pool.connect()
            driver: Any = self._connection.driver_connection
            if self.commits_each:
                driver.autocommit = True
            self._driver, self._cursor = driver, driver.cursor()
        except dialect.loaded_dbapi.Error as error:
            raise self._wrapped(error, None, gone=False) from error

    def first(self, statement: Statement, values: Mapping[str, Any]) -> Row | None:
        """Execute a statement and return its first row; raise SQLAlchemy's DBAPIError."""
        found = compiled(statement, self._dialect)
        rows = self._rows(found, found.bound(values))
        return found.read(rows[0]) if rows else None

    def all(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        """Execute a statement and return its rows; raise SQLAlchemy's DBAPIError."""
        found = compiled(statement, self._dialect)
        return found.read_all(self._rows(found, found.bound(values)))

    def many(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """See Executor; raise SQLAlchemy's DBAPIError."""
        self._rows(compiled(statement, self._dialect), rows, many=True)

    def _rows(self, found: Compiled, bound: Any, *, many: bool = False) -> Sequence[Row]:
        execute = self._cursor.executemany if many else self._cursor.execute
        started = time.perf_counter()
        try:
            execute(found.text, bound)
            rows: Sequence[Row] = self._cursor.fetchall() if found.returns_rows else ()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._observe_error(error, found.text, started) from error
        observe(found.text, time.perf_counter() - started)
        return rows

    def commit(self) -> None:
        """Commit on SQLite. On PostgreSQL each statement was committed automatically."""
        if self.commits_each:
            return
        started = time.perf_counter()
        try:
            self._driver.commit()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._observe_error(error, "COMMIT", started) from error
        observe("COMMIT", time.perf_counter() - started)

    def reset(self) -> bool:
        """Roll back what was not committed; return whether the cursor can be used again."""
        if self._broken:
            return False
        if not self.commits_each and self._driver.in_transaction:
            self._driver.rollback()
        return True

    def has_ended(self) -> bool:
        """Check whether the server has closed the connection while it was idle."""
        return self.commits_each and closed_by_server(self._driver)

    def close(self, error: BaseException | None = None) -> None:
        """Close the connection, and let the pool open a new one next time."""
        self._connection.invalidate(error)
        self._connection.close()

    def _observe_error(self, error: Exception, text: str, started: float) -> DBAPIError:
        observe(text, time.perf_counter() - started, type(error).__name__)
        self._broken = self._dialect.is_disconnect(error, self._driver, self._cursor)  # type: ignore[arg-type]
        return self._wrapped(error, text, gone=self._broken)

    def _wrapped(self, error: Exception, text: str | None, *, gone: bool) -> DBAPIError:
        return DBAPIError.instance(  # type: ignore[return-value]
            text,
            None,
            error,
            self._dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=self._dialect,
        )


class CursorPool:
    """Idle cursors, on a pool of connections like the engine's.

    It never holds more cursors than threads have used at the same time, and never more than there
    are connections.

    Checking a connection out of the engine's pool costs as much as the statement itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._pool = engine.pool.recreate()
        self._dialect = engine.dialect
        self._free = threading.Semaphore(POOL_SIZE + POOL_OVERFLOW)
        self._idle: list[DriverCursor] = []

    @contextmanager
    def cursor(self) -> Iterator[DriverCursor]:
        """Yield a cursor; roll back what it has not committed."""
        if not self._free.acquire(timeout=POOL_TIMEOUT_SECONDS):
            raise PoolTimeout("Every connection is in use.")
        try:
            cursor = self._take()
            try:
                yield cursor
            except BaseException as error:
                self._put_back(cursor, error)
                raise
            self._put_back(cursor, None)
        finally:
            self._free.release()

    def _put_back(self, cursor: DriverCursor, error: BaseException | None) -> None:
        """Keep the cursor, unless an error outside the driver left it in an unknown state."""
        known = error is None or isinstance(error, DBAPIError)
        if known and cursor.reset():
            self._idle.append(cursor)
        else:
            cursor.close(error)

    def _take(self) -> DriverCursor:
        while self._idle:
            try:
                cursor = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not cursor.has_ended():
                return cursor
            cursor.close()
        return DriverCursor(self._pool, self._dialect)

    def dispose(self) -> None:
        """Close the idle cursors."""
        while self._idle:
            self._idle.pop().close()
        self._pool.dispose()
