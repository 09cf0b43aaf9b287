"""An empty or migrated database of each kind for one test, and a server with odd answers."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.db import migrate
from broker.db.session import Database
from broker.storage.s3 import S3Storage
from tests.contract.odd_server import OddServer, storage_at
from tests.servers.fixtures import Bucket, Buckets, lent_bucket
from tests.servers.parts import EVERY_SERVER
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'broker.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    made = Database(url)
    yield made
    made.dispose()


@pytest.fixture
def database(empty_database: Database) -> Database:
    migrate.upgrade(empty_database.engine.url.render_as_string(hide_password=False))
    return empty_database


@pytest.fixture(params=EVERY_SERVER)
def any_bucket(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, buckets: Buckets
) -> Iterator[Bucket]:
    """Yield a bucket on each server that enforces policies."""
    yield from lent_bucket(request, monkeypatch, buckets)


@pytest.fixture
def odd() -> Iterator[OddServer]:
    running = OddServer()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


@pytest.fixture
def storage(odd: OddServer, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return storage_at(odd.server.server_port)
