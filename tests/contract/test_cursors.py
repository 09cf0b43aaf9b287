"""Statements that run on the driver return the same rows and errors as with SQLAlchemy."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Delete, delete, func, literal_column, select, text
from sqlalchemy.exc import IntegrityError

from broker.db import migrate
from broker.db.engine import POOL_OVERFLOW, POOL_SIZE
from broker.db.fast_path import insert_uploads, read_upload
from broker.db.fast_path.new_uploads import InsertedFor
from broker.db.fast_path.transactions import own_transaction, read_cursor
from broker.db.models import Upload, User, UserQuota
from broker.db.owner_tables import table_of
from broker.db.quotas import Reservation
from broker.db.session import Database, Session
from broker.domain.errors import DatabaseUnavailable
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.upload_row import NewUpload
from broker.services.marketplace.sign_in import ensure_user
from tests.servers.postgres import Postgres

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def user(request: pytest.FixtureRequest) -> None:
    """Create user 1."""
    if "database" in request.fixturenames:
        with request.getfixturevalue("database").session() as session:
            ensure_user(session, Principal(user_id=1), now=NOW)
            session.commit()


def new_upload(**changes: object) -> NewUpload:
    plain = NewUpload(
        id=uuid4(),
        state="pending",
        owner_kind="user",
        issued_by=1,
        key=f"avatars/user_1/{uuid4()}.jpg",
        written_key=f"incoming/avatars/user_1/{uuid4()}.jpg",
        file_name="a.jpg",
        content_type="image/jpeg",
        size=5,
        size_is_exact=True,
        checksum_sha256=None,
        transport="post",
        part_size=None,
        return_url=None,
        alt_text="",
        order=0,
        created_at=NOW,
        expires_at=NOW + timedelta(seconds=300),
        failures=0,
        uppy_session_id=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def insert(database: Database, rows: list[NewUpload], quota: Reservation | None = None) -> None:
    with database.session() as session:
        inserted = insert_uploads(
            session,
            rows,
            table=table_of(Limits().profiles.avatar),
            owner="1",
            asker_id=1,
            is_service=False,
            issued_at=None,
            limit=1,
            quota=quota,
            commit=True,
        )
    assert inserted == InsertedFor(user_id=1, owner_id=1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alt_text": "Ünï\n“q” \\ 🚲 ' \" %s :x", "order": 32767, "size": 2**62},
        {"created_at": NOW.replace(microsecond=1), "expires_at": NOW.replace(microsecond=999999)},
        {"uppy_session_id": uuid4(), "part_size": 2**33, "size_is_exact": False},
        {"checksum_sha256": "x" * 44, "return_url": "https://shop.example/é", "failures": 3},
    ],
)
def test_a_row_reads_the_same_with_orm_and_driver(
    database: Database, changes: dict[str, object]
) -> None:
    row = new_upload(**changes)
    quota = Reservation(now=NOW, stale_at=NOW, bytes=row.size, files=1, max_bytes=0, max_files=0)
    insert(database, [row], quota)
    with database.session() as session:
        by_orm = session.get_one(Upload, row.id)
        by_driver = read_upload(session, row.id)
    assert by_driver is not None
    assert by_driver.still_owned, "a user is an owner that cannot change hands"
    for column in Upload.__table__.columns:
        value = getattr(by_orm, column.name)
        assert getattr(by_driver, column.name) == value
        assert type(getattr(by_driver, column.name)) is type(value)
        if hasattr(row, column.name):
            assert value == getattr(row, column.name)
    assert by_orm.user_id == 1
    assert by_orm.quota_window == NOW


def test_times_written_by_the_driver_sort_with_all_others(database: Database) -> None:
    times = [NOW, NOW.replace(microsecond=1), NOW + timedelta(seconds=1)]
    insert(database, [new_upload(expires_at=time) for time in times])
    with database.session() as session:
        later = session.scalars(select(Upload.expires_at).where(Upload.expires_at > NOW)).all()
    assert sorted(later) == times[1:]


def test_a_violated_constraint_raises_as_with_sqlalchemy_and_the_next_statement_works(
    database: Database,
) -> None:
    row = new_upload()
    insert(database, [row])
    quota = Reservation(now=NOW, stale_at=NOW, bytes=10, files=2, max_bytes=0, max_files=0)
    with pytest.raises(IntegrityError) as failed:
        insert(database, [new_upload(), new_upload(key=row.key)], quota)
    assert "avatars/" not in str(failed.value.statement)
    insert(database, [new_upload()])
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 2
        assert session.scalar(select(func.count()).select_from(UserQuota)) == 0


def fail_after(session: Session, statement: Delete) -> None:
    with own_transaction(session) as cursor:
        cursor.first(statement, {})
        raise KeyError


def test_what_is_not_committed_is_rolled_back_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'broker.db'}"
    migrate.upgrade(url)
    database = Database(url)
    with database.session() as session:
        ensure_user(session, Principal(user_id=1), now=NOW)
        session.commit()
        with own_transaction(session) as cursor:
            cursor.first(delete(User), {})
        with pytest.raises(KeyError):
            fail_after(session, delete(User))
        assert session.scalar(select(func.count()).select_from(User)) == 1
    database.dispose()


def test_a_driver_connection_has_the_settings_of_the_engine(database: Database) -> None:
    """SQLite: durable and with foreign keys. PostgreSQL: with the statement timeout."""
    bounded = Database(
        database.engine.url.render_as_string(hide_password=False), statement_timeout=7
    )
    if database.engine.dialect.name == "sqlite":
        names = ("synchronous", "foreign_keys", "journal_mode")
        reads = [
            select(literal_column(name)).select_from(getattr(func, f"pragma_{name}")())
            for name in names
        ]
        wanted = [2, 1, "wal"]
    else:
        names = ("statement_timeout", "default_transaction_isolation")
        reads = [select(func.current_setting(name)) for name in names]
        wanted = ["7s", "read committed"]
    with bounded.session() as session, read_cursor(session) as cursor:
        assert [row[0] for read in reads if (row := cursor.first(read, {}))] == wanted
        assert [session.scalar(read) for read in reads] == wanted
    bounded.dispose()


def test_more_threads_than_connections_wait_and_all_are_served(
    database: Database,
) -> None:
    many = POOL_SIZE + POOL_OVERFLOW + 5
    together = threading.Barrier(many)

    def one() -> UUID:
        row = new_upload()
        together.wait()
        insert(database, [row])
        return row.id

    with ThreadPoolExecutor(many) as pool:
        ids = {future.result() for future in [pool.submit(one) for _ in range(many)]}
    with database.session() as session:
        assert set(session.scalars(select(Upload.id))) == ids


def test_a_cursor_with_a_closed_connection_is_replaced(
    postgres_server: Postgres,
) -> None:
    url = postgres_server.url(postgres_server.create_database())
    database, operator = Database(url), Database(url)

    def pid() -> int:
        with database.session() as session, read_cursor(session) as cursor:
            row = cursor.first(select(func.pg_backend_pid()), {})
        assert row is not None
        return int(row[0])

    first = pid()
    assert pid() == first
    with operator.session() as session:
        ended = select(func.pg_terminate_backend(first, 5000))
        assert session.scalar(ended)
    second = pid()
    assert second != first
    assert pid() == second
    with (
        pytest.raises(DatabaseUnavailable),
        database.session() as session,
        read_cursor(session) as cursor,
    ):
        cursor.first(select(func.pg_terminate_backend(func.pg_backend_pid())), {})
    assert pid() not in (first, second)
    database.dispose()
    operator.dispose()


def test_without_a_server_the_database_is_unavailable() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable), database.session() as session:
        read_upload(session, uuid4())


def test_no_session_gets_an_autocommit_connection(
    postgres_server: Postgres,
) -> None:
    database = Database(postgres_server.url(postgres_server.create_database()))
    with database.session() as session:
        with read_cursor(session) as cursor:
            cursor.first(select(1), {})
        session.execute(text("CREATE TABLE kept (id int)"))
        session.rollback()
        assert session.scalar(text("SELECT to_regclass('kept')")) is None
    database.dispose()


def test_there_are_no_more_connections_than_threads_that_use_them(
    postgres_server: Postgres,
) -> None:
    database = Database(postgres_server.url(postgres_server.create_database()))
    for _ in range(20):
        with database.session() as session, read_cursor(session) as cursor:
            cursor.first(select(1), {})
    with database.session() as session:
        found = session.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        )
    assert found == 2  # one connection for the cursor, one for the session that counts
    database.dispose()
