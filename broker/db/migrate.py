"""Bring a database to the newest migration, and tell where one stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from broker.db.engine import make_engine
from broker.db.session import UnavailableIsSaid

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration(url: str) -> Config:
    """Give Alembic's configuration without a file: the URL is the caller's."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Run every migration that the database has not seen; raises DatabaseUnavailable."""
    with UnavailableIsSaid():
        command.upgrade(configuration(url), "head")


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
