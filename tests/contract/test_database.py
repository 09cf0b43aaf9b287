"""Both databases must behave the same: migrations, times, money, concurrent sign-ins."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, func, select, table
from sqlalchemy.exc import StatementError

from broker.db import migrate
from broker.db.models import Base, Image, Upload, User
from broker.db.session import Database, Session
from broker.domain.errors import DatabaseUnavailable
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.services.marketplace.ads import create_ad
from broker.services.marketplace.sign_in import ensure_user, sign_in
from broker.services.work import Work

MIGRATE = [
    *(sys.executable, "-c"),
    "import os; from broker.db import migrate; migrate.upgrade(os.environ['URL'])",
]
NOW = datetime(2026, 11, 23, 9, 30, 15, 123456, tzinfo=UTC)


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == migrate.head()
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
def test_the_id_of_a_deleted_row_is_never_reused_on_sqlite(database: Database) -> None:
    """`compare_metadata` ignores AUTOINCREMENT, which is lost if a table is recreated."""
    with database.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql > ''")
        found = {row.name for row in tables if "AUTOINCREMENT" in row.sql}
    expected = {
        table.name
        for table in Base.metadata.tables.values()
        if table.dialect_options["sqlite"]["autoincrement"]
    }
    assert found == expected >= {"ads", "images", "deletions"}


def work_of(session: Session, principal: Principal) -> Work:
    """Return the work of a service that makes no calls to a bucket."""
    nothing: Any = None
    return Work(session=session, storage=nothing, limits=Limits(), principal=principal, now=NOW)


def test_times_come_back_aware_and_money_exact(database: Database) -> None:
    principal = Principal(user_id=1)
    fields = {"title": "x", "description": "", "price": Decimal("0.10"), "is_active": True}
    with database.session() as session:
        view = create_ad(work_of(session, principal), fields)
    assert view.ad.created_at == NOW
    assert view.ad.created_at.tzinfo is not None
    assert str(view.ad.price) == "0.10"


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)
    with database.session() as session, pytest.raises(StatementError):
        ensure_user(session, Principal(user_id=1), now=naive)


def test_twenty_first_uses_of_a_token_create_one_user(database: Database) -> None:
    failures: list[BaseException] = []

    def use() -> None:
        try:
            with database.session() as session:
                sign_in(work_of(session, Principal(user_id=7)))
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


def test_migrations_keep_uploads_and_images_of_the_first_version(
    empty_database: Database,
) -> None:
    database = empty_database
    url = database.engine.url.render_as_string(hide_password=False)
    command.upgrade(migrate.configuration(url), "0001")
    tables = MetaData()
    tables.reflect(database.engine)
    times = {"created_at": NOW, "updated_at": NOW}
    with database.engine.begin() as connection:
        names = {"first_name": "", "last_name": ""}
        connection.execute(tables.tables["users"].insert(), {"id": 1, **names, **times})
        for number, digest in ((1, "d" * 44), (2, None)):
            upload_id = f"{number:032x}"  # accepted by both databases
            key = f"ads/ad_1/{number}.jpg"
            media = {"owner_kind": "ad", "owner_id": 1, "key": key, "content_type": "image/jpeg"}
            said = {"size": 7, "checksum_sha256": digest, "alt_text": "", "order": 0}
            upload = {"id": upload_id, "state": "confirmed", "user_id": 1, "issued_by": 1}
            upload |= {"transport": "post", "created_at": NOW, "expires_at": NOW}
            image = {"upload_id": upload_id, "etag": "e", "created_at": NOW}
            connection.execute(tables.tables["uploads"].insert(), {**media, **said, **upload})
            connection.execute(tables.tables["images"].insert(), {**media, **said, **image})
    migrate.upgrade(url)
    with database.session() as session:
        uploads = session.scalars(select(Upload).order_by(Upload.key)).all()
        images = session.scalars(select(Image).order_by(Image.key)).all()
        assert [upload.size_is_exact for upload in uploads] == [True, True]
        assert [upload.multipart_id for upload in uploads] == [None, None]
        assert [image.checksum_verified for image in images] == [True, False]
        assert [image.composite_sha256 for image in images] == [None, None]
    command.downgrade(migrate.configuration(url), "0001")
    command.downgrade(migrate.configuration(url), "base")


def test_two_concurrent_migrations_run_each_step_once(empty_database: Database) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(2) as pool:
        # Alembic's context is global, so each migration needs its own process, as with replicas.
        env = {**os.environ, "URL": url}
        done = list(pool.map(lambda _: subprocess.run(MIGRATE, env=env, timeout=60), range(2)))
    assert [process.returncode for process in done] == [0] * 2
    assert migrate.current(url) == migrate.head()


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
def test_a_migration_that_waits_for_a_backup_does_not_block_queries(
    empty_database: Database,
) -> None:
    """Every query on a table waits behind a migration that waits for that table."""
    database = empty_database
    url = database.engine.url.render_as_string(hide_password=False)
    command.upgrade(migrate.configuration(url), "0001")
    with database.session() as backup:
        backup.execute(select(func.count()).select_from(table("uploads")))
        with pytest.raises(DatabaseUnavailable, match=r"such as a backup.* Nothing has changed"):
            migrate.upgrade(url)
        assert migrate.current(url) == "0001"
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()
