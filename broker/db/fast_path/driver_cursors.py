"""Cursors that stay open from one request to the next, for statements apart from any session.

Errors leave as SQLAlchemy's, and each statement is timed as the engine's are.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine, Pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.db.engine import POOL_OVERFLOW, POOL_SIZE, POOL_TIMEOUT_SECONDS
from broker.db.fast_path.statements import Row, Statement, compiled
from broker.db.liveness import closed_by_server
from broker.db.timing import observe


class Cursor:
    """A driver's cursor on a pooled connection, which it keeps until it is closed.

    PostgreSQL commits each statement as it is done; SQLite what is followed by `commit`.
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
        """See Executor; raises SQLAlchemy's DBAPIError."""
        direct = compiled(statement, self._dialect)
        bound = direct.bound(values)
        started = time.perf_counter()
        try:
            self._cursor.execute(direct.text, bound)
            rows = self._cursor.fetchall() if direct.gives_rows else ()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told_of(error, direct.text, started) from error
        observe(direct.text, time.perf_counter() - started)
        return direct.read(rows[0]) if rows else None

    def commit(self) -> None:
        """Commit what has not been: nothing, where each statement is committed as it is done."""
        if self.commits_each:
            return
        started = time.perf_counter()
        try:
            self._driver.commit()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._told_of(error, "COMMIT", started) from error
        observe("COMMIT", time.perf_counter() - started)

    def is_fit(self) -> bool:
        """Tell whether another may have it, rolling back what was not committed."""
        if self._broken:
            return False
        if not self.commits_each and self._driver.in_transaction:
            self._driver.rollback()
        return True

    def has_ended(self) -> bool:
        """Tell whether the server has closed the connection while nobody used it."""
        return self.commits_each and closed_by_server(self._driver)

    def close(self, error: BaseException | None = None) -> None:
        """Close the connection: nobody shall have it as it is."""
        self._connection.invalidate(error)
        self._connection.close()

    def _told_of(self, error: Exception, text: str, started: float) -> DBAPIError:
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


class Cursors:
    """Cursors that nobody uses at the moment, of a pool of their own like the engine's.

    There are never more than threads that have used one at once, nor than the pool has. To hand a
    connection out and to take it back costs the engine's pool as much as the statement itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._pool = engine.pool.recreate()
        self._dialect = engine.dialect
        self._free = threading.Semaphore(POOL_SIZE + POOL_OVERFLOW)
        self._idle: list[Cursor] = []

    @contextmanager
    def one(self) -> Iterator[Cursor]:
        """Give a cursor; what it has not committed is rolled back."""
        if not self._free.acquire(timeout=POOL_TIMEOUT_SECONDS):
            raise PoolTimeout("Every connection is in use.")
        try:
            cursor = self._taken()
            try:
                yield cursor
            except BaseException as error:
                self._back(cursor, error)
                raise
            self._back(cursor, None)
        finally:
            self._free.release()

    def _back(self, cursor: Cursor, error: BaseException | None) -> None:
        """Keep it for the next, unless nobody knows what another error than the driver's left."""
        known = error is None or isinstance(error, DBAPIError)
        if known and cursor.is_fit():
            self._idle.append(cursor)
        else:
            cursor.close(error)

    def _taken(self) -> Cursor:
        while self._idle:
            try:
                cursor = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not cursor.has_ended():
                return cursor
            cursor.close()
        return Cursor(self._pool, self._dialect)

    def dispose(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
        self._pool.dispose()
