"""The whole API with both databases and a real S3 server that enforces policies."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.app import create_app
from broker.config import Settings
from broker.db import migrate
from tests.http.client import SECRET, Client, token
from tests.http.commands import Commands
from tests.http.worker import Worker
from tests.servers import S3Server
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres
from tests.servers.reused import Lent, emptied_database, schema_of


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def databases(postgres_server: Postgres) -> Lent[str]:
    """Yield the reusable, migrated PostgreSQL databases."""
    template = postgres_server.create_database(name="broker_template")
    migrate.upgrade(postgres_server.url(template))
    schema = schema_of(postgres_server, template)
    return Lent(
        lambda: postgres_server.create_database(template=template),
        lambda name: emptied_database(postgres_server, name, schema),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a migrated database for one test, on each dialect."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        shutil.copy(template, tmp_path / "broker.db")
        yield f"sqlite:///{tmp_path / 'broker.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    lent: Lent[str] = request.getfixturevalue("databases")
    with lent.one() as name:
        yield server.url(name)


@pytest.fixture
def make_app(
    database_url: str,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates the app as in production, with changed settings."""
    server: S3Server = s3_bucket.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        values: dict[str, Any] = {
            "database_url": database_url,
            "s3_bucket": s3_bucket.name,
            "s3_incoming_bucket": s3_bucket.settings.s3_incoming_bucket,
            "s3_endpoint_url": server.endpoint_url,
            "s3_server": server.row,
            "jwt_algorithm": "HS256",
            "jwt_secret": SECRET,
            **changes,
        }
        app = create_app(Settings(**values))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["broker"].database.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def worker(app: Flask, tmp_path: Path) -> Worker:
    """Return a worker of the app; it inspects nothing unless a test changes `inspect`."""
    directory = tmp_path / "worker"
    directory.mkdir()
    return Worker(app, directory)


@pytest.fixture
def alice(app: Flask) -> Client:
    return Client(app, token(1, first_name="John", last_name="Doe", email="user@example.com"))


@pytest.fixture
def bob(app: Flask) -> Client:
    return Client(app, token(2))


@pytest.fixture
def service(app: Flask) -> Client:
    return Client(app, token(900, role="service"))


@pytest.fixture
def anyone(app: Flask) -> Client:
    return Client(app, None)


@pytest.fixture
def commands(
    s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(s3_bucket, monkeypatch, capsys)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Return a function that moves the clock for Idempotency-Keys forward."""

    def to(later: timedelta) -> None:
        monkeypatch.setattr("broker.services.work.utc_now", lambda: datetime.now(UTC) + later)

    return to
