"""Bring a database to the newest migration, and tell where one stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from broker.db.engine import make_engine
from broker.db.session import UnavailableIsSaid
from broker.domain.errors import DatabaseUnavailable

LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's, after lock_timeout
MIGRATIONS = Path(__file__).parent / "migrations"


def configuration(url: str) -> Config:
    """Give Alembic's configuration without a file: the URL is the caller's."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Run every migration that the database has not seen, or none.

    Raises:
        DatabaseUnavailable: it cannot be reached, or another transaction holds a table for long.
    """
    try:
        with UnavailableIsSaid():
            command.upgrade(configuration(url), "head")
    except DatabaseUnavailable as error:
        cause = getattr(error.__cause__, "orig", None)
        if getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise DatabaseUnavailable(
                "A long transaction, such as a backup's, holds a table that is to be changed;"
                " nothing has changed. Try again when it has ended."
            ) from error
        raise


def current(url: str) -> str | None:
    """Name the migration that the database stands at; None for an empty one."""
    engine = make_engine(url)
    try:
        with UnavailableIsSaid(), engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str | None:
    """Name the newest migration; fails when there are two."""
    return ScriptDirectory.from_config(configuration("sqlite://")).get_current_head()
