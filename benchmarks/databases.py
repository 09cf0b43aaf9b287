"""The databases: migrated, filled fast, and brought back to their size before a measurement.

What the broker writes has an id newer than the mark that was taken after filling.
"""

import random
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from psycopg import sql

from benchmarks import stock
from benchmarks.plan import ADS
from benchmarks.servers.postgres import Postgres
from benchmarks.stock import Batch
from broker.db import migrate

# Children before parents. Rows that no id dates are all the broker's own.
WRITTEN = (
    "DELETE FROM images WHERE upload_id > {mark}",
    "DELETE FROM upload_parts",
    "DELETE FROM uploads WHERE id > {mark}",
    "DELETE FROM deletions",
    "DELETE FROM idempotency_keys",
    "UPDATE ads SET places_taken = 0 WHERE id <= {ads} AND places_taken > 0",
)
COUNT = {
    "uploads": "SELECT count(*) FROM uploads WHERE id > {mark}",
    "images": "SELECT count(*) FROM images WHERE upload_id > {mark}",
}


class Database(Protocol):
    """One database with so many uploads."""

    kind: str
    uploads: int
    url: str

    def restore(self) -> None:
        """Delete what has been written since it was filled."""

    def insert(self, batch: Batch) -> None:
        """Add rows, after `restore`."""

    def written(self, table: str) -> int:
        """Count the rows of `uploads` or `images` that have been written since."""


class PostgresDatabase:
    """A database of the cluster."""

    kind = "PostgreSQL"

    def __init__(self, cluster: Postgres, uploads: int) -> None:
        self.uploads = uploads
        self._name = f"uploads_{uploads}"
        cluster.create(self._name)
        self.url = cluster.url(self._name)
        migrate.upgrade(self.url)
        self._connection = cluster.connect(self._name)
        # The rows fit together as they are made; checking each would double the time.
        self._connection.execute("SET session_replication_role = replica")
        for batch in stock.stock(uploads):
            self.insert(batch)
        self._connection.execute(
            "SELECT setval(pg_get_serial_sequence('ads', 'id'), (SELECT max(id) FROM ads))"
        )
        self._connection.execute("VACUUM ANALYZE")
        self._connection.execute("CHECKPOINT")
        self._mark = _mark()

    def restore(self) -> None:
        """See Database. Dead rows go too, so that no side pays for another's."""
        for statement in WRITTEN:
            self._connection.execute(self._marked(statement))
        self._connection.execute("VACUUM uploads, images, ads, users")

    def insert(self, batch: Batch) -> None:
        """See Database."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(batch.table), sql.SQL(", ").join(map(sql.Identifier, batch.columns))
        )
        with self._connection.cursor().copy(statement) as copy:
            for row in batch.rows:
                copy.write_row(row)

    def written(self, table: str) -> int:
        """See Database."""
        row = self._connection.execute(self._marked(COUNT[table])).fetchone()
        return int(row[0]) if row else 0

    def _marked(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(mark=sql.Literal(self._mark), ads=sql.Literal(ADS))


class SqliteDatabase:
    """A file, in WAL mode as the broker opens it."""

    kind = "SQLite"

    def __init__(self, directory: Path, uploads: int) -> None:
        self.uploads = uploads
        self._file = directory / f"uploads_{uploads}.db"
        self.url = f"sqlite:///{self._file}"
        migrate.upgrade(self.url)
        with closing(sqlite3.connect(self._file)) as connection:
            # Nobody needs these rows after a crash.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-200000")
            for batch in stock.stock(uploads):
                _insert(connection, batch)
            connection.execute("ANALYZE")
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._mark = _mark()

    def restore(self) -> None:
        """See Database."""
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            for statement in WRITTEN:
                connection.execute(self._marked(statement))
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def insert(self, batch: Batch) -> None:
        """See Database."""
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            _insert(connection, batch)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def written(self, table: str) -> int:
        """See Database."""
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            return int(connection.execute(self._marked(COUNT[table])).fetchone()[0])

    def _marked(self, statement: str) -> str:
        return statement.format(mark=f"'{self._mark.hex}'", ads=ADS)


def _insert(connection: sqlite3.Connection, batch: Batch) -> None:
    names = ", ".join(f'"{name}"' for name in batch.columns)
    marks = ", ".join("?" * len(batch.columns))
    statement = f'INSERT INTO "{batch.table}" ({names}) VALUES ({marks})'  # noqa: S608
    # As SQLAlchemy writes them in SQLite.
    sqlite3.register_adapter(UUID, lambda value: value.hex)
    sqlite3.register_adapter(
        datetime, lambda value: value.replace(tzinfo=None).isoformat(" ", "microseconds")
    )
    connection.executemany(statement, batch.rows)


def _mark() -> UUID:
    """Give an id newer than all there are, and older than all that will be made."""
    time.sleep(0.002)  # another millisecond than any row's
    return stock.uuid7(time.time(), random.Random(0))  # noqa: S311
