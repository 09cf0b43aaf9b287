"""Load many rows into PostgreSQL: without indexes and keys, which are created afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

# Primary and unique keys before the foreign keys that need them.
KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('p', 'u', 'f')
    AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[]))
ORDER BY contype = 'f', conname
"""
# Without partial indexes: they have few rows, and PostgreSQL does not always return a condition in
# the form in which it was given.
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename = ANY(%(tables)s)
    AND indexname NOT IN (SELECT conname FROM pg_constraint)
    AND position(' WHERE ' IN indexdef) = 0
"""


@contextmanager
def without_indexes(connection: psycopg.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Drop the keys and the whole indexes of some tables; create them again after the block.

    To sort ten million keys once takes minutes, to insert each into an index hours.
    """
    given = {"tables": list(tables)}
    keys = connection.execute(KEYS, given).fetchall()
    indexes = connection.execute(INDEXES, given).fetchall()
    for table, name, _ in reversed(keys):
        _run(connection, "ALTER TABLE {} DROP CONSTRAINT {}", table, name)
    for name, _ in indexes:
        _run(connection, "DROP INDEX {}", name)
    yield
    connection.execute("SET maintenance_work_mem = '512MB'")
    for table, name, definition in keys:
        _run(connection, f"ALTER TABLE {{}} ADD CONSTRAINT {{}} {definition}", table, name)
    for _, definition in indexes:
        _run(connection, definition)


def _run(connection: psycopg.Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
