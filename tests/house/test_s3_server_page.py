"""docs/operations/s3-server.md has the rows of the table of S3 servers, and says what never ran."""

import re
from pathlib import Path

import pytest

from broker.domain.s3_servers import S3_SERVERS, Digests, PublicReading, S3Server

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/operations/s3-server.md").read_text()
SECURITY = (ROOT / "docs/security.md").read_text()


def line_of(row: S3Server) -> str:
    """Return the row's line in the page's first table."""
    transports = [row.default_transport, *(t for t in row.transports if t != row.default_transport)]
    cells = [
        f"`{row.name}`",
        row.title,
        row.measured or ("–" if row.name == "other" else "**never run**"),
        ", ".join(transports),
        "refused" if row.writes_once else "overwrites",
        row.digests.value,
        "checked by the server" if row.checks_copies else "checked afterwards",
        row.public_reading.value,
        f"`{row.region}`",
    ]
    return f"| {' | '.join(cells)} |"


def lacks_of(row: S3Server) -> str:
    """Return the row's line in the list of what `broker bucket apply` does not expect."""
    if row.lacks is None:
        return f"- `{row.name}`: nothing is known"
    return f"- `{row.name}`: {', '.join(sorted(row.lacks)) or 'nothing'}"


def sources_of(row: S3Server) -> str:
    """Return the row's line in the list of sources."""
    return f"- `{row.name}`: {', '.join(f'<{source}>' for source in row.sources)}"


def test_the_page_has_the_rows_in_the_order_of_the_table() -> None:
    assert re.findall(r"^\| `.*\|$", PAGE, re.MULTILINE) == [
        line_of(r) for r in S3_SERVERS.values()
    ]


@pytest.mark.parametrize("row", S3_SERVERS.values(), ids=list(S3_SERVERS))
def test_the_page_says_what_a_row_lacks_and_where_it_comes_from(row: S3Server) -> None:
    lines = PAGE.splitlines()
    assert lacks_of(row) in lines
    assert not row.sources or sources_of(row) in lines


def test_the_threats_name_every_row_with_which_a_promise_does_not_hold() -> None:
    section = SECURITY.partition("## Which promises depend on the S3 server")[2].partition("\n## ")[
        0
    ]
    weaker = {
        row.name
        for row in S3_SERVERS.values()
        if not row.proves_digests or not row.writes_once or not row.checks_copies
    }
    assert {name for name in weaker if f"`{name}`" not in section} == set()
    assert {Digests.IGNORED, Digests.REFUSED} <= {row.digests for row in S3_SERVERS.values()}


def test_a_server_that_opens_whole_buckets_is_named_with_its_second_bucket() -> None:
    section = PAGE.partition("## A second bucket")[2].partition("\n## ")[0]
    for row in S3_SERVERS.values():
        assert (f"`{row.name}`" in section) is (row.public_reading is PublicReading.BUCKET)
