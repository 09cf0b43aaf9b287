"""What `broker doctor` asks a database: is it there, how far is it migrated, may it be written.

Nothing that is asked here changes anything: not even an empty SQLite file is made.
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
from broker.db.session import Database
from broker.domain.errors import DatabaseUnavailable

LOCK_TIMEOUT_SECONDS = 2


class DatabaseFault(Exception):
    """Why the database cannot be used, in one line that shows no password."""


def dialect(url: str) -> str:
    """Name the dialect, `sqlite` or `postgresql`; raises DatabaseFault for any other."""
    try:
        database = Database(url)
    except SettingsError:
        raise DatabaseFault("it is no URL of a database that the broker knows") from None
    database.dispose()
    return database.engine.dialect.name


def reach(url: str) -> str:
    """Do one round trip and name the server; raises DatabaseFault."""
    if (file := _sqlite_file(url)) is not None and not file.is_file():
        raise DatabaseFault(f"there is no file {file}")
    database = Database(url)
    try:
        with _said(), database.session() as session:
            if dialect(url) == "sqlite":
                return f"SQLite {session.scalar(text('SELECT sqlite_version()'))}"
            return f"PostgreSQL {session.scalar(text('SHOW server_version'))}"
    finally:
        database.dispose()


def migrations(url: str) -> tuple[str | None, str | None]:
    """Give the migration that it stands at, and the newest; raises DatabaseFault."""
    with _said():
        return migrate.current(url), migrate.head()


def write(url: str) -> None:
    """Insert a row and roll it back; raises DatabaseFault."""
    now = datetime.now(UTC)
    database = Database(url)
    try:
        with _said(), database.session() as session:
            if dialect(url) == "sqlite":
                session.execute(text(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_SECONDS * 1000}"))
            else:
                session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
                session.execute(text(f"SET LOCAL statement_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
            # The time is far off: were the row ever seen, nothing would be done about it.
            never = datetime(9000, 1, 1, tzinfo=UTC)
            session.execute(
                insert(Deletion).values(object_key="doctor", not_before=never, created_at=now)
            )
            session.rollback()
    finally:
        database.dispose()


def _sqlite_file(url: str) -> Path | None:
    """Name the file of a SQLite database; raises DatabaseFault for one in memory."""
    if dialect(url) != "sqlite":
        return None
    name = make_url(url).database
    if not name or name == ":memory:":
        raise DatabaseFault("a SQLite database in memory keeps nothing")
    return Path(name)


@contextmanager
def _said() -> Iterator[None]:
    """Turn what goes wrong into DatabaseFault, in the driver's own words.

    They name host, port and user, and never a password.
    """
    try:
        yield
    except (DatabaseUnavailable, SQLAlchemyError, CommandError) as error:
        cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
        words = str(getattr(cause, "orig", None) or cause).strip().splitlines()
        raise DatabaseFault(words[0] if words else "no reason given") from error
