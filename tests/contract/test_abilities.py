"""Each S3 server does what docs/s3-servers.md and its row of the table of servers say."""

import pytest

from broker.domain.s3_servers import S3_SERVERS
from tests.servers import page
from tests.servers.abilities import Seen
from tests.servers.abilities.needs import NEEDS, digests, lacking
from tests.servers.parts import EVERY_SERVER
from tests.servers.report import measure


@pytest.fixture(scope="module", params=EVERY_SERVER)
def measured(request: pytest.FixtureRequest) -> tuple[str, Seen]:
    """Return the name of each server, and what it does."""
    return request.param, measure(request.getfixturevalue(f"{request.param}_server"))


def test_each_server_does_what_the_page_says(measured: tuple[str, Seen]) -> None:
    name, seen = measured
    written = page.read(page.PAGE.read_text())
    assert page.columns(seen) == {
        table: {case: cells[name] for case, cells in cases.items()}
        for table, cases in written.items()
    }, f"python -m tests.servers.report {name}"


def test_each_server_does_what_its_row_says(measured: tuple[str, Seen]) -> None:
    name, seen = measured
    row = S3_SERVERS[name]
    found = {need: holds(seen) for need, holds in NEEDS.items()}
    assert found["POST forms"] == ("post" in row.transports)
    assert found["an object has the Cache-Control of its form"] == row.form_keeps_headers
    assert found["a PUT is written once"] == row.writes_once
    assert found["a copy is refused if its source was replaced"] == row.checks_copies
    assert digests(seen) is row.digests
    assert lacking(seen) == row.lacks
