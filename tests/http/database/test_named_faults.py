"""Report 26: logs and commands say why PostgreSQL refuses the broker, never with its password."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from broker.config import SettingsError
from broker.db import migrate
from broker.db.engine import make_engine
from tests.http.client import Client, token
from tests.http.commands import Commands
from tests.servers.postgres import Postgres

PASSWORD = "its-own-password"  # noqa: S105
WRONG = "some-other-password"
FAULTS = {
    "wrong password": 'password authentication failed for user "report_26"',
    "unknown database": 'database "no_such_database" does not exist',
    "missing role": 'role "no_such_role" does not exist',
}


@pytest.fixture
def faulty_url(request: pytest.FixtureRequest, postgres_server: Postgres) -> str:
    """Return a URL with the fault, for a cluster that asks one role for its password."""
    url = make_url(postgres_server.url("postgres"))
    if request.param == "unknown database":
        url = url.set(database="no_such_database", password=WRONG)
    elif request.param == "missing role":
        url = url.set(username="no_such_role", password=WRONG)
    else:
        ask_for_password(postgres_server)
        url = url.set(username="report_26", password=WRONG)
    return url.render_as_string(hide_password=False)


def ask_for_password(server: Postgres) -> None:
    """Create a role that must send its password, and wait until the cluster asks for it."""
    address = {"host": "127.0.0.1", "port": server.port, "dbname": "postgres"}
    with psycopg.connect(user="postgres", autocommit=True, **address) as connection:
        with suppress(psycopg.errors.DuplicateObject):
            connection.execute(f"CREATE ROLE report_26 LOGIN PASSWORD '{PASSWORD}'")
        file = Path(connection.execute("SHOW hba_file").fetchone()[0])
        rule = "host all report_26 all scram-sha-256\n"
        if rule not in file.read_text():
            file.write_text(rule + file.read_text())
        connection.execute("SELECT pg_reload_conf()")

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            psycopg.connect(user="report_26", password=WRONG, **address).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.05)
    raise AssertionError("the cluster does not ask for the password")


@pytest.mark.parametrize("faulty_url", FAULTS, indirect=True, ids=FAULTS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_report_26_what_postgresql_refuses_is_named_in_the_log_and_by_commands(
    faulty_url: str,
    make_app: Callable[..., Flask],
    commands: Commands,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    named = FAULTS[request.node.callspec.params["faulty_url"]]
    client = Client(make_app(database_url=faulty_url), token(1))
    for path in ("/readyz", "/api/ads/"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
        assert named not in answer.text
    line = f"The database refuses the connection: {named}. Check BROKER_DATABASE_URL."
    assert caplog.text.count(line) == 2
    assert "try again" not in caplog.text
    for arguments in ("reap --once", "adopt", "reconcile", "db verify", "db check", "db upgrade"):
        done = commands.run(arguments, faulty_url)
        assert done.status != 0
        assert done.err == f"broker: {line}\n"
    assert WRONG not in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_report_26_a_role_without_rights_is_named(
    make_app: Callable[..., Flask],
    commands: Commands,
    postgres_server: Postgres,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = postgres_server.create_database()
    migrate.upgrade(postgres_server.url(name))
    ask_for_password(postgres_server)
    url = make_url(postgres_server.url(name)).set(username="report_26", password=PASSWORD)
    without_rights = url.render_as_string(hide_password=False)
    client = Client(make_app(database_url=without_rights), token(1))
    answer = client.get("/api/ads/")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
    line = "The database cannot be used: permission denied for table alembic_version."
    assert line in caplog.text
    done = commands.run("reap --once", without_rights)
    assert (done.status, done.err) == (1, f"broker: {line}\n")


def test_report_26_a_password_is_never_taken_for_the_host() -> None:
    with pytest.raises(SettingsError) as refused:
        make_engine("postgresql://broker:half@other-half@db.example/broker")
    assert "%40" in str(refused.value)
    assert "half" not in str(refused.value)
