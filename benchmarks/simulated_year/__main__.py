"""`python -m benchmarks.simulated_year`: fill, measure, prune with the broker's code, measure.

The rows of a part of a year at 10^5 uploads a day are inserted, spread over the whole year. Rows
and bytes are then multiplied to those of the whole year.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rounds import say
from benchmarks.servers.postgres import postgres
from benchmarks.simulated_year.rows import fill
from benchmarks.simulated_year.sizes import TABLES, Size, sizes
from broker.db import migrate
from broker.db.session import Database
from broker.domain.limits import Limits
from broker.domain.principal import SYSTEM
from broker.services import idempotency
from broker.services.background.prune import prune
from broker.services.work import Work

A_YEAR = 365 * 100_000
GB = 10**9


@contextmanager
def server(name: str, directory: Path) -> Iterator[str]:
    """Yield the URL of a new, migrated database."""
    if name == "sqlite":
        url = f"sqlite:///{directory / 'year.db'}"
        migrate.upgrade(url)
        yield url
        return
    # The account of PostgreSQL must be able to enter it.
    directory.chmod(0o755)
    with postgres(directory) as cluster:
        cluster.create("year")
        migrate.upgrade(cluster.url("year"))
        yield cluster.url("year")


def pruned(database: Database, now: datetime) -> tuple[int, int, float]:
    """Prune until nothing is old; return rows, rounds and seconds."""
    began, rows, rounds = time.monotonic(), 0, 0
    while True:
        with database.session() as session:
            work = Work(
                session=session,
                storage=None,  # type: ignore[arg-type]
                limits=Limits(),
                principal=SYSTEM,
                now=now,
            )
            idempotency.delete_expired(work)
            found = prune(work, is_listed=True)
        rounds += 1
        rows += found
        if not found:
            return rows, rounds, time.monotonic() - began


def table(before: dict[str, Size], after: dict[str, Size], times: float) -> Iterator[str]:
    """Yield the lines of the page's table, multiplied to a whole year."""
    yield "| table | rows | GB | with retention: rows | GB |"
    yield "| --- | --- | --- | --- | --- |"
    for name in TABLES:
        one, two = before[name], after[name]
        yield (
            f"| `{name}` | {_rows(one.rows * times)} | {_bytes(one, times)} |"
            f" {_rows(two.rows * times)} | {_bytes(two, times)} |"
        )
    totals = [sum(each.table + each.indexes for each in of.values()) for of in (before, after)]
    yield f"| all | | {totals[0] * times / GB:.1f} | | {totals[1] * times / GB:.1f} |"


def _rows(count: float) -> str:
    return f"{count / 10**6:.1f} M"


def _bytes(size: Size, times: float) -> str:
    return f"{size.table * times / GB:.1f} + {size.indexes * times / GB:.1f}"


def main() -> None:
    """Measure one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=["postgresql", "sqlite"])
    parser.add_argument("--part", type=int, default=50, help="insert 1/PART of the year")
    options = parser.parse_args()
    end, uploads = datetime.now(UTC), A_YEAR // options.part
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        server(options.database, Path(directory)) as url,
    ):
        database = Database(url)
        began = time.monotonic()
        with database.engine.connect() as connection:
            fill(connection, uploads, end)
        say(f"{uploads} uploads inserted in {time.monotonic() - began:.0f} s")
        before = sizes(database.engine)
        rows, rounds, seconds = pruned(database, end)
        say(f"{rows} rows pruned in {rounds} rounds, {seconds:.0f} s")
        after = sizes(database.engine)
        for name in TABLES:
            say(f"{name}: measured {before[name]}, with retention {after[name]}")
        sys.stdout.write("\n".join([*table(before, after, options.part), ""]))
        database.dispose()


if __name__ == "__main__":
    main()
