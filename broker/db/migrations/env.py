"""The script that Alembic runs, with the URL from `migrate.configuration`."""

from alembic import context
from sqlalchemy import Connection

from broker.db.engine import make_engine
from broker.db.models import Base

# Any number that no other program uses on the same database.
ADVISORY_LOCK = 0x75706C6F6164
LOCK_TIMEOUT_SECONDS = 3  # less than the statement timeout of a request


def run() -> None:
    """Run all migrations in one transaction, in one process at a time."""
    engine = make_engine(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            (begin_sqlite if on_sqlite else begin_postgresql)(connection)
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                render_as_batch=on_sqlite,
            )
            context.run_migrations()
            if on_sqlite:
                require_references(connection)
            connection.commit()
    finally:
        engine.dispose()


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction explicitly: the driver begins one at the first INSERT, not at DDL.

    SQLite changes a table by copying it, so a reference may be broken for a moment. Foreign keys
    are checked at the end instead.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin_postgresql(connection: Connection) -> None:
    """Wait for other migrations, then set a short lock timeout for tables.

    Other statements queue behind a migration that waits for a table's lock. Without the timeout a
    long backup would block the migration, and so the API. The lock and the timeout end with the
    transaction.
    """
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(id)s)", {"id": ADVISORY_LOCK})
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")


def require_references(connection: Connection) -> None:
    """Check the foreign keys, which were off during the migration."""
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        raise RuntimeError(f"A migration broke references: {broken[:5]}")


run()
