"""Migrations allow old and new processes to run at the same time on the newest schema."""

import ast
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    Column,
    Connection,
    Inspector,
    MetaData,
    Table,
    UniqueConstraint,
    and_,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)

from broker.db import migrate
from broker.db.engine import make_engine
from broker.db.session import Database
from broker.domain.limits import Limits
from tests.servers.postgres import Postgres

Row = dict[str, Any]
VERSIONS = sorted((migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
# Operations that remove or change what the previous release still uses.
CONTRACTING = {"drop_table", "drop_column", "rename_table", "alter_column"}


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.stem)
def test_a_migration_only_adds_or_says_why_a_removal_is_safe(version: Path) -> None:
    tree = ast.parse(version.read_text())
    (upgrade,) = (
        one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "upgrade"
    )
    called = {one.attr for one in ast.walk(upgrade) if isinstance(one, ast.Attribute)}
    if called & CONTRACTING:
        assert "Contracts:" in (ast.get_docstring(tree) or ""), called & CONTRACTING


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'broker.db'}"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.url(server.create_database())


def schema(url: str, look: Callable[[Inspector], object]) -> object:
    engine = make_engine(url)
    try:
        return look(inspect(engine))
    finally:
        engine.dispose()


def columns(inspector: Inspector) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return the columns of each table: the type, and whether an insert may omit the column."""
    return {
        table: {
            column["name"]: (
                str(column["type"]),
                bool(column["nullable"]) or column["default"] is not None,
            )
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
    }


def holds(kind: str, former: str) -> bool:
    """Check whether a column holds every value of a former type: a text may have become longer."""
    lengths = [re.fullmatch(r"VARCHAR\((\d+)\)", one) for one in (kind, former)]
    if all(lengths):
        now, before = (int(one[1]) for one in lengths if one)
        return now >= before
    return kind == former


@pytest.mark.parametrize("revision", [version.stem.partition("_")[0] for version in VERSIONS[:-1]])
def test_each_earlier_release_can_write_to_the_newest_schema(
    revision: str, empty_database_url: str
) -> None:
    command.upgrade(migrate.configuration(empty_database_url), revision)
    before = schema(empty_database_url, columns)
    migrate.upgrade(empty_database_url)
    after = schema(empty_database_url, columns)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    for table, known in before.items():
        for name, (kind, _) in known.items():
            assert holds(after[table][name][0], kind), f"{table}.{name}"
        for name in after[table].keys() - known.keys():
            assert after[table][name][1], f"{table}.{name} is new, and needs a value"


# Values that a CHECK allows; other columns accept any value of their type.
ALLOWED = {"state": "pending", "owner_kind": "ad"}


def value_of(column: Column[Any], number: int, rows: dict[Table, list[Row]]) -> Any:
    """Return a value for a column; unique columns get a different value in each row."""
    for key in column.foreign_keys:
        return rows[key.column.table][-1][key.column.name]
    alone = [
        *(one.columns for one in column.table.constraints if isinstance(one, UniqueConstraint)),
        *(index.columns for index in column.table.indexes if index.unique),
        column.table.primary_key.columns,
    ]
    mark = number if any(column.name in columns for columns in alone) else 0
    kind = column.type.python_type
    if kind is str:
        return ALLOWED.get(column.name, f"{mark}{column.name}"[: column.type.length or 99])
    if kind is datetime:
        zone = UTC if column.type.timezone else None
        return datetime(2026, 3, 1, 12, tzinfo=zone)
    return {
        bool: True,
        int: mark + 2,  # a migration inserts the row 1 of `event_feed`
        Decimal: Decimal(1),
        uuid.UUID: uuid.UUID(int=mark),
    }[kind]


def insert_a_row_of_each(
    connection: Connection, before: MetaData, number: int, rows: dict[Table, list[Row]]
) -> None:
    """Insert a row into each table, with the columns of the old release only."""
    for table in before.sorted_tables:
        row = {column.name: value_of(column, number, rows) for column in table.columns}
        connection.execute(insert(table), row)
        rows.setdefault(table, []).append(row)


def rows_of(connection: Connection, table: Table) -> list[Row]:
    ordered = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(ordered).mappings()]


@pytest.mark.parametrize("revision", [version.stem.partition("_")[0] for version in VERSIONS[:-1]])
def test_statements_of_each_earlier_release_work_on_the_newest_schema(
    revision: str, empty_database_url: str
) -> None:
    command.upgrade(migrate.configuration(empty_database_url), revision)
    engine = make_engine(empty_database_url)
    try:
        before = MetaData()
        before.reflect(engine, only=lambda name, _: name != "alembic_version")
        assert len(before.tables) >= 5
        rows: dict[Table, list[Row]] = {}
        with engine.begin() as connection:
            by_migration = {table: rows_of(connection, table) for table in before.sorted_tables}
            insert_a_row_of_each(connection, before, 0, rows)
        migrate.upgrade(empty_database_url)
        with engine.begin() as connection:
            for number in (1, 2):
                insert_a_row_of_each(connection, before, number, rows)
            for table, inserted in rows.items():
                keys = table.primary_key.columns
                found = rows_of(connection, table)
                own = [row for row in found if row not in by_migration[table]]
                assert own == inserted, table.name
                for row in inserted:
                    this = and_(*(key == row[key.name] for key in keys))
                    others = {name: row[name] for name in row if name not in keys}
                    if others:
                        changed = connection.execute(update(table).where(this).values(others))
                        assert changed.rowcount == 1, table.name
            for table in reversed(before.sorted_tables):
                count = 3 + len(by_migration[table])
                assert connection.execute(delete(table)).rowcount == count, table.name
    finally:
        engine.dispose()


def test_a_database_with_data_of_0_4_has_both_built_in_profiles_after_the_upgrade(
    empty_database_url: str,
) -> None:
    command.upgrade(migrate.configuration(empty_database_url), "0010")
    engine = make_engine(empty_database_url)
    try:
        before = MetaData()
        before.reflect(engine, only=lambda name, _: name != "alembic_version")
        rows: dict[Table, list[Row]] = {}
        with engine.begin() as connection:
            insert_a_row_of_each(connection, before, 0, rows)
        migrate.upgrade(empty_database_url)
        with engine.connect() as connection:
            used = connection.execute(text("SELECT * FROM profiles ORDER BY name")).all()
            names = connection.execute(text("SELECT file_name FROM images")).all()
            owners = connection.scalar(text("SELECT count(*) FROM owners"))
    finally:
        engine.dispose()
    assert used == [
        ("ad_image", "ads/ad_", "public", "table"),
        ("avatar", "avatars/user_", "public", "table"),
    ]
    assert (names, owners) == ([(None,)], 0)
    database = Database(empty_database_url, profiles=Limits().profiles)
    database.check()
    database.dispose()


def test_an_index_of_ads_that_was_built_before_is_kept_and_a_broken_one_is_built_again(
    postgres_server: Postgres,
) -> None:
    """CREATE INDEX CONCURRENTLY leaves an index that is never used if it is interrupted."""
    url = postgres_server.url(postgres_server.create_database())
    command.upgrade(migrate.configuration(url), "0012")
    engine = make_engine(url)
    with engine.begin() as connection:
        for name, flag in (("ix_ads_active", "is_active"), ("ix_ads_sold", "is_sold")):
            connection.execute(text(f"CREATE INDEX {name} ON ads (id) WHERE {flag} = true"))
        before = indexes_of_ads(connection)
        connection.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_ads_sold'::regclass")
        )
    migrate.upgrade(url)
    with engine.begin() as connection:
        after = indexes_of_ads(connection)
    engine.dispose()
    assert len(after) == 8
    assert {is_valid for _, is_valid in after.values()} == {True}
    assert after["ix_ads_active"] == before["ix_ads_active"]
    assert after["ix_ads_sold"] != before["ix_ads_sold"]


def indexes_of_ads(connection: Connection) -> dict[str, tuple[int, bool]]:
    """Return the number and the validity of each index of the filters."""
    found = connection.execute(
        text(
            "SELECT relname, oid, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE indrelid = 'ads'::regclass AND indpred IS NOT NULL"
        )
    )
    return {name: (number, is_valid) for name, number, is_valid in found}
