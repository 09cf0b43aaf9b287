"""A statement that takes too long, or waits for a lock, ends; the request is a 503."""

import time

import pytest
from sqlalchemy import text

from broker.db.session import Database
from broker.domain.errors import DatabaseUnavailable
from tests.servers.postgres import Postgres


@pytest.mark.parametrize("options", ["", "?options=-c%20work_mem%3D8MB"])
def test_a_statement_of_a_request_is_bounded(postgres_server: Postgres, options: str) -> None:
    url = postgres_server.url(postgres_server.create_database()) + options
    database = Database(url, statement_timeout=1)
    try:
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable), database.session() as session:
            session.execute(text("SELECT pg_sleep(60)"))
        assert time.monotonic() - started < 30
        with database.session() as session:
            assert session.scalar(text("SHOW work_mem")) == ("8MB" if options else "4MB")
    finally:
        database.dispose()


def test_waiting_for_a_lock_is_bounded(postgres_server: Postgres) -> None:
    url = postgres_server.url(postgres_server.create_database())
    holder, database = Database(url), Database(url, statement_timeout=1)
    try:
        with holder.session() as holding:
            holding.execute(text("CREATE TABLE held (id int)"))
            holding.commit()
            holding.execute(text("LOCK TABLE held"))
            with pytest.raises(DatabaseUnavailable), database.session() as session:
                session.execute(text("SELECT * FROM held"))
    finally:
        holder.dispose()
        database.dispose()


def test_without_a_bound_there_is_none(postgres_server: Postgres) -> None:
    database = Database(postgres_server.url(postgres_server.create_database()))
    try:
        with database.session() as session:
            assert session.scalar(text("SHOW statement_timeout")) == "0"
    finally:
        database.dispose()
