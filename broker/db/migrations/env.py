"""What Alembic runs: the models' metadata, on the URL that `migrate.configuration` was given."""

from alembic import context
from sqlalchemy import Connection

from broker.db.engine import make_engine
from broker.db.models import Base

# Any number that no other program of the same database takes.
ADVISORY_LOCK = 0x75706C6F6164
LOCK_TIMEOUT_SECONDS = 3  # less than a statement of a request may take


def run() -> None:
    """Run the migrations in one transaction: all or none, and one process at a time."""
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
    """Begin by hand, since the driver does so at a first INSERT, and not at DDL.

    SQLite changes a table by writing it anew, which may leave a reference open meanwhile.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin_postgresql(connection: Connection) -> None:
    """Wait for whoever else migrates, and then for nobody who holds a table for long.

    Whatever asks for a table waits behind a migration that waits for it, so that a backup would
    stop the API as long as it takes. Both end with the transaction.
    """
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(id)s)", {"id": ADVISORY_LOCK})
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")


def require_references(connection: Connection) -> None:
    """Check what was switched off meanwhile."""
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        raise RuntimeError(f"A migration broke references: {broken[:5]}")


run()
