"""Old and new processes run beside each other on the newest schema: what migrations may do."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Inspector, inspect

from broker.db import migrate
from broker.db.engine import make_engine
from tests.servers.postgres import Postgres

VERSIONS = sorted((migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
# What takes away or changes what the release before still uses.
CONTRACTING = {"drop_table", "drop_column", "rename_table", "alter_column"}


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.stem)
def test_a_migration_only_adds_or_says_why_nobody_misses_what_it_takes(version: Path) -> None:
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
    """Give each table's columns: the type, and whether a row may be inserted without it."""
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


@pytest.mark.parametrize("revision", [version.stem.partition("_")[0] for version in VERSIONS[:-1]])
def test_code_of_each_release_before_can_write_to_the_newest_schema(
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
            assert after[table][name][0] == kind, f"{table}.{name}"
        for name in after[table].keys() - known.keys():
            assert after[table][name][1], f"{table}.{name} is new, and needs a value"
