"""The benchmarks fill PostgreSQL without indexes."""

from typing import Any

import psycopg

from benchmarks.servers.bulk_load import INDEXES, KEYS, without_indexes
from tests.servers.postgres import Postgres
from tests.servers.reused import Lent

TABLES = ("uploads", "images")


def test_keys_and_indexes_are_the_same_after_a_bulk_load(
    postgres_server: Postgres, databases: Lent[str]
) -> None:
    with databases.one() as template:
        pass  # it exists, and nobody uses it
    url = postgres_server.url(postgres_server.create_database(template=template))
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        before = found(connection)
        assert len(before) > 10
        with without_indexes(connection, TABLES):
            assert found(connection) == []
        assert found(connection) == before


def found(connection: psycopg.Connection[Any]) -> list[Any]:
    """Return the keys and indexes of the tables."""
    given = {"tables": list(TABLES)}
    return [row for query in (KEYS, INDEXES) for row in sorted(connection.execute(query, given))]
