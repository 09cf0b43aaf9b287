"""A read-only database, such as a standby after a failover."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import make_url

from tests.http.client import Client, declared
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.servers.postgres import Postgres

AD = {"title": "x", "price": "1.00"}


@pytest.fixture
def read_only(postgres_server: Postgres, database_url: str) -> Iterator[Callable[[str], None]]:
    """Make new connections read-only (`on`) or writable again (`off`).

    Existing connections keep their mode, as connections to a former primary do.
    """
    name = str(make_url(database_url).database)

    def turn(value: str) -> None:
        statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        plain = postgres_server.url("postgres").replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(value)))

    yield turn
    turn("off")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_write_refused_by_a_standby_is_503_and_its_connection_is_closed(
    app: Flask, alice: Client, read_only: Callable[[str], None]
) -> None:
    ad = alice.ad()
    alice.ticket(ad)
    app.extensions["broker"].database.dispose()
    read_only("on")
    for path, body in ((f"/api/ads/{ad}/upload_image/", declared()), ("/api/ads/", AD)):
        answer = alice.post(path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert alice.get(f"/api/ads/{ad}/").status_code == 200, "which makes a connection"
    read_only("off")
    # One refusal for each of the two existing connections.
    assert [alice.ticket(ad).status_code for _ in range(2)][-1] == 201
    assert [alice.post("/api/ads/", AD).status_code for _ in range(2)][-1] == 201
    assert reap(app, PAST_GRACE).expired >= 1
