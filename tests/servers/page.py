"""The tables of docs/s3-servers.md that were measured: read them, and write them again."""

from collections.abc import Mapping
from pathlib import Path

from broker.domain.s3_servers import S3_SERVERS
from tests.servers.abilities import ABILITIES
from tests.servers.abilities.needs import NEEDS, Seen, judged

PAGE = Path(__file__).parents[2] / "docs" / "s3-servers.md"
# The servers that run in the tests, in the order of the columns.
MEASURED = ("seaweedfs", "minio", "versitygw", "ceph")
SUMMARY = "what the broker needs"
CASES: dict[str, list[str]] = {
    SUMMARY: list(NEEDS),
    **{table: list(cases) for table, cases in ABILITIES.items()},
}
UNKNOWN = "?"
# By table, case and server.
Tables = dict[str, dict[str, dict[str, str]]]


def columns(seen: Seen) -> dict[str, Mapping[str, str]]:
    """Return a server's column of each table."""
    return {SUMMARY: judged(seen), **seen}


def marker(table: str) -> str:
    """Return the line before a table. It tells readers of the source not to edit the table."""
    return f"<!-- measured by `python -m tests.servers.report`: {table} -->"


def read(text: str) -> Tables:
    """Return the tables of the page; a cell that it lacks is unknown."""
    return {table: _cells(_lines(text, table), cases) for table, cases in CASES.items()}


def write(text: str, tables: Tables) -> str:
    """Return the page with these tables."""
    for table in CASES:
        old = "\n".join(_lines(text, table))
        before, mark, after = text.partition(f"{marker(table)}\n")
        assert mark, f"no line {marker(table)!r}"
        text = before + mark + after.replace(old, rendered(table, tables[table]), 1)
    return text


def rendered(table: str, cells: Mapping[str, Mapping[str, str]]) -> str:
    """Return a table in Markdown."""
    titles = [f"{S3_SERVERS[name].title} {S3_SERVERS[name].measured}" for name in MEASURED]
    lines = [["case", *titles], ["---"] * (len(MEASURED) + 1)]
    lines += [[case, *(cells[case][name] for name in MEASURED)] for case in CASES[table]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _lines(text: str, table: str) -> list[str]:
    """Return the lines of a table: those that begin with a bar after the marker."""
    after = text.partition(f"{marker(table)}\n")[2].splitlines()
    count = next((i for i, line in enumerate(after) if not line.startswith("|")), len(after))
    return after[:count]


def _cells(lines: list[str], cases: list[str]) -> dict[str, dict[str, str]]:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    # A server that was added has no cells yet. Its name is the last one.
    found = {row[0]: dict(zip(MEASURED, row[1:], strict=False)) for row in rows}
    unknown = dict.fromkeys(MEASURED, UNKNOWN)
    return {case: {**unknown, **found.get(case, {})} for case in cases}
