"""What both databases must do alike: migrations, times, money, and one row for twenty sign-ins."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import StatementError

from broker.db import migrate
from broker.db.models import Base, User
from broker.db.session import Database
from broker.domain.principal import Principal
from broker.services.ads import create_ad
from broker.services.sign_in import sign_in
from tests.servers.postgres import Postgres

NOW = datetime(2026, 11, 23, 9, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'broker.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    migrate.upgrade(url)
    made = Database(url)
    yield made
    made.dispose()


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == migrate.head()
        assert compare_metadata(context, Base.metadata) == []


def test_times_come_back_aware_and_money_exact(database: Database) -> None:
    principal = Principal(user_id=1)
    fields = {"title": "x", "description": "", "price": Decimal("0.10"), "is_active": True}
    with database.session() as session:
        sign_in(session, principal, now=NOW)
        view = create_ad(session, principal, fields, now=NOW)
    assert view.ad.created_at == NOW
    assert view.ad.created_at.tzinfo is not None
    assert str(view.ad.price) == "0.10"


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)
    with database.session() as session, pytest.raises(StatementError):
        sign_in(session, Principal(user_id=1), now=naive)


def test_twenty_first_uses_of_a_token_make_one_user(database: Database) -> None:
    failures: list[BaseException] = []

    def use() -> None:
        try:
            with database.session() as session:
                sign_in(session, Principal(user_id=7), now=NOW)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.session() as session:
        assert session.query(User).count() == 1


def test_sqlite_is_opened_with_wal_foreign_keys_and_a_busy_timeout(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'broker.db'}")
    with database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    database.dispose()
    assert found == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "synchronous": 2,
    }
