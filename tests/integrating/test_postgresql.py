"""The statement that stores an event runs on PostgreSQL too, as docs/integrating-*.md say."""

import re

import psycopg
import pytest

from tests.integrating.programs import Programs
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.matrix(part="walks")


def statement(programs: Programs) -> str:
    """Return the statement with the placeholders of psycopg."""
    text = programs.text("photos")
    (found,) = re.findall(r"INSERT INTO photos .*? > photos\.sequence", text, re.DOTALL)
    return re.sub(r":(\w+)", r"%(\1)s", found)


def test_the_statement_keeps_the_greatest_sequence(
    programs: Programs, postgres_server: Postgres
) -> None:
    name = postgres_server.create_database()
    url = postgres_server.url(name).replace("+psycopg", "")
    with psycopg.connect(url) as db:
        db.execute(
            "CREATE TABLE photos (id BIGINT PRIMARY KEY, sequence BIGINT NOT NULL,"
            " profile TEXT NOT NULL, owner TEXT NOT NULL, image JSONB)"
        )
        db.execute("CREATE TABLE feed (id INT PRIMARY KEY, cursor TEXT, sequence BIGINT NOT NULL)")
        db.execute("INSERT INTO feed VALUES (1, NULL, 3)")
        for sequence, image in ((5, '{"order": 1}'), (4, '{"order": 2}'), (6, None), (2, "{}")):
            row = {"id": 9, "sequence": sequence, "profile": "p", "owner": "42", "image": image}
            db.execute(statement(programs).encode(), row)
        late = {"id": 10, "sequence": 2, "profile": "p", "owner": "42", "image": "{}"}
        db.execute(statement(programs).encode(), late)
        found = db.execute("SELECT id, sequence, image FROM photos").fetchall()
    assert found == [(9, 6, None)]
