"""The database is down, not migrated or read-only. The bucket is checked anyway."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command

from broker.db import migrate
from broker.local.process import free_ports
from tests.doctor.conftest import NO_BUCKET, Deployment, Environment
from tests.servers.postgres import Postgres

SETTING = "BROKER_DATABASE_URL"


def test_postgresql_that_is_migrated_passes(
    deployment: Deployment, postgres_server: Postgres
) -> None:
    url = postgres_server.url(postgres_server.create_database())
    migrate.upgrade(url)
    report = deployment.doctor(DATABASE_URL=url)
    assert report.failed == set()
    assert report.of("database", "ok")["detail"].startswith("PostgreSQL ")


def test_a_database_that_is_down_is_a_failure(deployment: Deployment) -> None:
    url = f"postgresql://broker:its-password@127.0.0.1:{free_ports(1)[0]}/broker"
    report = deployment.doctor(DATABASE_URL=url)
    fault = report.of("database", "fail")
    assert "refused" in fault["detail"]
    assert fault["setting"] == SETTING
    assert fault["fix"] == f"start the database, or correct {SETTING}"
    assert report.failed == {"database"}
    assert {"ticket", "removal"} <= report.passed
    assert "its-password" not in report.text


def test_a_database_that_does_not_exist_is_a_failure(
    no_bucket: Environment, postgres_server: Postgres
) -> None:
    fault = no_bucket.doctor(DATABASE_URL=postgres_server.url("nobody")).of("database", "fail")
    assert 'database "nobody" does not exist' in fault["detail"]
    assert fault["setting"] == SETTING


@pytest.mark.parametrize(
    "url", ["mysql://broker:its-password@host/broker", "its-password", "sqlite://"]
)
def test_an_unsupported_database_url_is_a_failure(no_bucket: Environment, url: str) -> None:
    report = no_bucket.doctor(DATABASE_URL=url)
    assert report.of("database", "fail")["setting"] == SETTING
    assert "its-password" not in report.text


def test_a_missing_sqlite_file_is_not_created(no_bucket: Environment, tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    fault = no_bucket.doctor(DATABASE_URL=f"sqlite:///{file}").of("database", "fail")
    assert str(file) in fault["detail"]
    assert fault["fix"] == "broker db upgrade"
    assert not file.exists()


@pytest.mark.parametrize("revision", [None, "0001"])
def test_a_database_that_is_not_migrated_is_a_failure(
    no_bucket: Environment, postgres_server: Postgres, revision: str | None
) -> None:
    url = postgres_server.url(postgres_server.create_database())
    if revision is not None:
        command.upgrade(migrate.configuration(url), revision)
    report = no_bucket.doctor(DATABASE_URL=url)
    fault = report.of("database-migrated", "fail")
    assert (revision or "no migration") in fault["detail"]
    assert str(migrate.head()) in fault["detail"]
    assert fault["setting"] == SETTING
    assert fault["fix"] == "broker db upgrade"
    assert report.failed - NO_BUCKET == {"database-migrated"}


def test_a_read_only_database_is_a_failure(
    no_bucket: Environment, postgres_server: Postgres
) -> None:
    url = postgres_server.url(postgres_server.create_database())
    migrate.upgrade(url)
    read_only = f"{url}?options=-c%20default_transaction_read_only%3Don"
    report = no_bucket.doctor(DATABASE_URL=read_only)
    fault = report.of("database-writable", "fail")
    assert "read-only transaction" in fault["detail"]
    assert fault["setting"] == SETTING
    assert "insert, update and delete" in fault["fix"]
    assert report.failed - NO_BUCKET == {"database-writable"}


def test_a_locked_sqlite_file_is_a_failure(no_bucket: Environment, tmp_path: Path) -> None:
    held = sqlite3.connect(tmp_path / "broker.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    fault = no_bucket.doctor().of("database-writable", "fail")
    held.close()
    assert "locked" in fault["detail"]
    assert fault["setting"] == SETTING


def test_the_doctor_writes_nothing_into_the_database(
    deployment: Deployment, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "broker.db") as connection:
        before = list(connection.iterdump())
        assert deployment.doctor().failed == set()
        assert list(connection.iterdump()) == before


def test_sqlite_with_several_workers_is_a_warning(deployment: Deployment) -> None:
    report = deployment.doctor(GRANIAN_WORKERS="4")
    found = report.of("database", "warn")
    assert found["setting"] == SETTING
    assert "GRANIAN_WORKERS=1" in found["fix"]
    assert report.exit_code == 0
