"""The checks of `broker doctor` on a database: reachable, migrated, writable.

No check changes anything. They do not even create an empty SQLite file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic.util.exc import CommandError
from sqlalchemy import insert, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from broker.config import SettingsError
from broker.db import migrate
from broker.db.models import Deletion
from broker.db.reasons import driver_words
from broker.db.session import Database, Session
from broker.domain.errors import DatabaseUnavailable

LOCK_TIMEOUT_SECONDS = 2


class DatabaseFault(Exception):
    """The reason why the database cannot be used, in one line without a password."""


def dialect(url: str) -> str:
    """Return the dialect, `sqlite` or `postgresql`; raise DatabaseFault for any other."""
    try:
        database = Database(url)
    except SettingsError:
        raise DatabaseFault("the URL is not that of a supported database") from None
    database.dispose()
    return database.engine.dialect.name


def reach(url: str) -> str:
    """Do one round trip, and return the server's name and version; raise DatabaseFault."""
    if (file := _sqlite_file(url)) is not None and not file.is_file():
        raise DatabaseFault(f"there is no file {file}")
    database = Database(url)
    try:
        with raise_faults(), database.session() as session:
            if dialect(url) == "sqlite":
                return f"SQLite {session.scalar(text('SELECT sqlite_version()'))}"
            return f"PostgreSQL {session.scalar(text('SHOW server_version'))}"
    finally:
        database.dispose()


def migrations(url: str) -> tuple[str | None, str | None]:
    """Return the database's migration and the newest one; raise DatabaseFault."""
    with raise_faults():
        return migrate.current(url), migrate.head()


def write(url: str) -> None:
    """Insert a row and roll it back; raise DatabaseFault."""
    now = datetime.now(UTC)
    database = Database(url)
    try:
        with raise_faults(), database.session() as session:
            if dialect(url) == "sqlite":
                session.execute(text(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_SECONDS * 1000}"))
            else:
                session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
                session.execute(text(f"SET LOCAL statement_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
            # The time is far in the future: even if the row stayed, nothing would process it.
            never = datetime(9000, 1, 1, tzinfo=UTC)
            session.execute(
                insert(Deletion).values(object_key="doctor", not_before=never, created_at=now)
            )
            session.rollback()
    finally:
        database.dispose()


def _sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database; raise DatabaseFault for a database in memory."""
    if dialect(url) != "sqlite":
        return None
    name = make_url(url).database
    if not name or name == ":memory:":
        raise DatabaseFault("a SQLite database in memory loses its data when the process ends")
    return Path(name)


@contextmanager
def probe_session(url: str) -> Iterator[Session]:
    """Yield a session of the database, for reads; raise DatabaseFault."""
    database = Database(url)
    try:
        with raise_faults(), database.session() as session:
            yield session
    finally:
        database.dispose()


@contextmanager
def raise_faults() -> Iterator[None]:
    """Raise the block's database errors as DatabaseFault, with the driver's own message.

    The message may contain host, port and user, but never a password.
    """
    try:
        yield
    except (DatabaseUnavailable, SQLAlchemyError, CommandError) as error:
        cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
        raise DatabaseFault(driver_words(cause).splitlines()[0]) from error
