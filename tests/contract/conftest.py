"""Databases of both kinds, each for one test, empty or migrated."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.db import migrate
from broker.db.session import Database
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
