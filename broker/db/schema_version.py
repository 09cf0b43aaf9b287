"""The migration that this release needs, and whether a database is at it or beyond it.

Migrations are numbered. A later release's migration is unknown here, and only adds to the tables:
so the release before works on it until all processes are replaced.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from broker.db.reasons import is_missing_table
from broker.domain.errors import DatabaseNotMigrated

MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def required_migration() -> str:
    """Return the number of this release's newest migration, from the names of the files."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def is_behind(migration: str | None) -> bool:
    """Check whether a database at this migration lacks one that this release needs."""
    known = migration is not None and migration.isdecimal()
    return not known or int(str(migration)) < int(required_migration())


def require_migrated(session: Session) -> None:
    """Read the database's migration; raise DatabaseNotMigrated if this release needs a newer one.

    Errors of the database itself are raised as SQLAlchemy's.
    """
    try:
        migration = session.scalar(text("SELECT max(version_num) FROM alembic_version"))
    except (OperationalError, ProgrammingError) as error:
        if not is_missing_table(error):
            raise
        migration = None
    if is_behind(migration):
        raise DatabaseNotMigrated(
            "The database is not migrated; try again later.",
            reason=f"The database is at {migration or 'no migration'}, but this release needs"
            f" {required_migration()}. Run `broker db upgrade`.",
        )
