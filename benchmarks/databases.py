"""The databases: migrate and fill them, and restore them before each measurement.

A mark is taken after filling. Every row that the broker writes later has a newer id.
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

from benchmarks import seed_rows
from benchmarks.plan import ADS
from benchmarks.processes import cpu_seconds_of
from benchmarks.seed_rows import Batch
from benchmarks.servers.bulk_load import without_indexes
from benchmarks.servers.postgres import Postgres, server_pids
from broker.db import migrate

# Children before parents. Tables without time-ordered ids contain only rows of the broker.
WRITTEN = (
    "DELETE FROM image_variants WHERE image_id IN (SELECT id FROM images WHERE upload_id > {mark})",
    "DELETE FROM images WHERE upload_id > {mark}",
    "DELETE FROM upload_parts",
    "DELETE FROM uploads WHERE id > {mark}",
    "DELETE FROM deletions",
    "DELETE FROM idempotency_keys",
    "DELETE FROM owners",
    "UPDATE ads SET places_taken = 0 WHERE id <= {ads} AND places_taken > 0",
)
COUNT = {
    "uploads": "SELECT count(*) FROM uploads WHERE id > {mark}",
    "images": "SELECT count(*) FROM images WHERE upload_id > {mark}",
    "processing": "SELECT count(*) FROM uploads WHERE id > {mark} AND state = 'processing'",
}


class Database(Protocol):
    """A database with a given number of uploads."""

    kind: str
    uploads: int
    url: str

    def restore(self) -> None:
        """Delete everything that was written after filling."""

    def insert(self, batch: Batch) -> None:
        """Insert rows, after `restore`."""

    def written(self, what: str) -> int:
        """Return how many rows were written after filling: one of `COUNT`."""

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of the server so far; None without a server of its own."""


class PostgresDatabase:
    """A database in the PostgreSQL cluster."""

    kind = "PostgreSQL"

    def __init__(self, cluster: Postgres, uploads: int) -> None:
        self.uploads = uploads
        self._name = f"uploads_{uploads}"
        cluster.create(self._name)
        self.url = cluster.url(self._name)
        migrate.upgrade(self.url)
        self._connection = cluster.connect(self._name)
        # The rows are consistent. Checking their foreign keys would double the time.
        self._connection.execute("SET session_replication_role = replica")
        with without_indexes(self._connection, ("uploads", "images")):
            for batch in seed_rows.seed_rows(uploads):
                self.insert(batch)
        for statement in seed_rows.VARIANTS:
            self._connection.execute(statement.encode())
        self._connection.execute(
            "SELECT setval(pg_get_serial_sequence('ads', 'id'), (SELECT max(id) FROM ads))"
        )
        self._connection.execute("VACUUM ANALYZE")
        self._connection.execute("CHECKPOINT")
        self._mark = _mark()

    def restore(self) -> None:
        """See Database. Dead rows are removed, too, so that they do not slow down another side."""
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

    def written(self, what: str) -> int:
        """See Database."""
        row = self._connection.execute(self._marked(COUNT[what])).fetchone()
        return int(row[0]) if row else 0

    def cpu_seconds(self) -> float | None:
        """See Database."""
        return cpu_seconds_of(server_pids(self._connection))

    def _marked(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(mark=sql.Literal(self._mark), ads=sql.Literal(ADS))


class SqliteDatabase:
    """A file in WAL mode, as the broker opens it."""

    kind = "SQLite"

    def __init__(self, directory: Path, uploads: int) -> None:
        self.uploads = uploads
        self._file = directory / f"uploads_{uploads}.db"
        self.url = f"sqlite:///{self._file}"
        migrate.upgrade(self.url)
        with closing(sqlite3.connect(self._file)) as connection:
            # These rows do not have to survive a crash.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-200000")
            for batch in seed_rows.seed_rows(uploads):
                _insert(connection, batch)
            for statement in seed_rows.VARIANTS:
                connection.execute(statement)
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

    def written(self, what: str) -> int:
        """See Database."""
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            return int(connection.execute(self._marked(COUNT[what])).fetchone()[0])

    def cpu_seconds(self) -> float | None:
        """See Database."""
        return None

    def _marked(self, statement: str) -> str:
        return statement.format(mark=f"'{self._mark.hex}'", ads=ADS)


def _insert(connection: sqlite3.Connection, batch: Batch) -> None:
    names = ", ".join(f'"{name}"' for name in batch.columns)
    marks = ", ".join("?" * len(batch.columns))
    statement = f'INSERT INTO "{batch.table}" ({names}) VALUES ({marks})'  # noqa: S608
    # In the format that SQLAlchemy uses for SQLite.
    sqlite3.register_adapter(UUID, lambda value: value.hex)
    sqlite3.register_adapter(
        datetime, lambda value: value.replace(tzinfo=None).isoformat(" ", "microseconds")
    )
    connection.executemany(statement, batch.rows)


def _mark() -> UUID:
    """Return an id that is newer than all seeded rows and older than all later rows."""
    return seed_rows.uuid7(time.time() - seed_rows.SEED_AGE / 2, random.Random(0))  # noqa: S311
