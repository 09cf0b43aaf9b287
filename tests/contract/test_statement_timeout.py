"""A statement that takes too long or waits for a lock is cancelled, and the request gets 503."""

import os
import socket
import sys
import time
from typing import Any

import pytest
from sqlalchemy import text

from broker.db.session import Database
from broker.domain.errors import DatabaseUnavailable
from tests.servers.postgres import Postgres


@pytest.mark.parametrize("options", ["", "?options=-c%20work_mem%3D8MB"])
def test_a_statement_of_a_request_is_cancelled_after_its_timeout(
    postgres_server: Postgres, options: str
) -> None:
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


def test_waiting_for_a_lock_is_cancelled_after_its_timeout(postgres_server: Postgres) -> None:
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


def test_without_a_setting_there_is_no_statement_timeout(postgres_server: Postgres) -> None:
    database = Database(postgres_server.url(postgres_server.create_database()))
    try:
        with database.session() as session:
            assert session.scalar(text("SHOW statement_timeout")) == "0"
    finally:
        database.dispose()


@pytest.mark.skipif(sys.platform != "linux", reason="the names of the options are Linux's")
@pytest.mark.parametrize(("bound", "seconds"), [(7, 7), (0, 30)])
def test_api_and_workers_detect_a_server_that_disappears_silently(
    postgres_server: Postgres, bound: int, seconds: int
) -> None:
    """Measured with the network down: 7.4 s before a statement, 9.1 s during one."""
    database = Database(
        postgres_server.url(postgres_server.create_database()), statement_timeout=bound
    )
    try:
        with database.session() as session:
            driver: Any = session.connection().connection.driver_connection
            with socket.socket(fileno=os.dup(driver.fileno())) as connection:
                options = [
                    connection.getsockopt(level, option)
                    for level, option in (
                        (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                    )
                ]
        assert options == [1, seconds, 2, seconds * 1000]
    finally:
        database.dispose()
