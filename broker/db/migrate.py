"""Upgrade a database to the newest migration, and read its current migration."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from broker.db.engine import make_engine
from broker.db.schema_version import MIGRATIONS, is_behind
from broker.db.session import ErrorTranslator
from broker.domain.errors import DatabaseUnavailable

LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's, after lock_timeout


def configuration(url: str) -> Config:
    """Return Alembic's configuration for a URL, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Run all migrations that the database does not have yet; if one fails, none is applied.

    A database that a later release has migrated stays as it is.

    Raises:
        DatabaseUnavailable: the database cannot be reached, or another transaction holds a lock on
            a table for too long.
    """
    found = current(url)
    if found is not None and not is_behind(found):
        return
    try:
        with ErrorTranslator():
            command.upgrade(configuration(url), "head")
    except DatabaseUnavailable as error:
        cause = getattr(error.__cause__, "orig", None)
        if getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise DatabaseUnavailable(
                "A long transaction, such as a backup, locks a table that must be changed."
                " Nothing has changed; try again after it has ended."
            ) from error
        raise


def current(url: str) -> str | None:
    """Return the migration that the database is at; None for an empty database."""
    engine = make_engine(url)
    try:
        with ErrorTranslator(), engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str | None:
    """Return the newest migration; raise CommandError if there are two."""
    return ScriptDirectory.from_config(configuration("sqlite://")).get_current_head()
