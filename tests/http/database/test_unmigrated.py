"""Report 26: a database without this release's migration, and one that a later release migrated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import create_engine, text

from broker.db import migrate
from broker.db.schema_version import required_migration
from tests.http.client import JPEG, Client, declared, token
from tests.http.commands import Commands
from tests.servers.postgres import Postgres

COMMANDS = ("reap --once", "adopt", "reconcile", "db verify")
BEFORE = f"{int(required_migration()) - 1:04}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def database_url(empty_url: str) -> str:
    return empty_url


def stamp(url: str, migration: str) -> None:
    """Write the number of a migration into a migrated database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": migration})
    engine.dispose()


def test_report_26_the_required_migration_is_the_newest_one() -> None:
    assert required_migration() == migrate.head()


@pytest.mark.parametrize("migration", [None, BEFORE])
def test_report_26_with_an_older_database_readyz_and_requests_are_503(
    migration: str | None, empty_url: str, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    if migration:
        command.upgrade(migrate.configuration(empty_url), migration)
    client = Client(app, token(1))
    for answer in (
        client.get("/readyz"),
        client.post("/api/ads/1/upload_image/", declared(JPEG)),
        client.get("/api/ads/"),
        client.post("/api/ads/", {"title": "x", "price": "1"}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_not_migrated")
        assert int(answer.headers["Retry-After"]) > 0
        assert required_migration() not in answer.text
    assert client.get("/healthz").status_code == 200
    assert client.get("/metrics").status_code == 200
    found = migration or "no migration"
    assert f"The database is at {found}, but this release needs {required_migration()}" in (
        caplog.text
    )
    assert not [record for record in caplog.records if record.exc_info]
    migrate.upgrade(empty_url)
    assert client.get("/readyz").status_code == 200
    assert client.post("/api/ads/", {"title": "x", "price": "1"}).status_code == 201


def test_report_26_a_database_that_a_later_release_has_migrated_is_accepted(
    empty_url: str, app: Flask, commands: Commands
) -> None:
    migrate.upgrade(empty_url)
    stamp(empty_url, "9999")
    client = Client(app, token(1))
    assert client.get("/readyz").status_code == 200
    assert client.ticket(client.ad()).status_code == 201
    for arguments in ("db check", "db upgrade", "reap --once"):
        done = commands.run(arguments, empty_url)
        assert (done.status, done.err) == (0, "")


def test_report_26_an_older_backup_restored_under_a_running_process_is_503(
    empty_url: str, app: Flask
) -> None:
    migrate.upgrade(empty_url)
    client = Client(app, token(1))
    assert client.get("/api/ads/").status_code == 200
    command.downgrade(migrate.configuration(empty_url), "base")
    for path in ("/readyz", "/api/ads/"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_not_migrated")


@pytest.mark.parametrize("arguments", COMMANDS)
def test_report_26_commands_print_one_line_if_the_database_is_not_migrated(
    arguments: str, empty_url: str, commands: Commands
) -> None:
    done = commands.run(arguments, empty_url)
    assert done.status != 0
    assert done.out == ""
    assert done.err == (
        f"broker: The database is at no migration, but this release needs {required_migration()}."
        " Run `broker db upgrade`.\n"
    )
