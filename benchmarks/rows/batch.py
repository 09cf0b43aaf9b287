"""Batches of twenty tickets, compared with single ones from Companion."""

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.plan import BATCH
from benchmarks.rounds import interleave
from benchmarks.rows.lines import rate, side_name, sizes, smallest
from benchmarks.rows.ticket import COMPANION, companion_side
from benchmarks.sides import WrkSide
from benchmarks.table import Section, Target

TITLE = "Tickets in batches of 20"
TARGETS = {"PostgreSQL": Target(at_least=11), "SQLite": Target(at_least=9)}


def run(bench: Bench) -> Section:
    """Measure this row."""
    file = bench.request_file(requests.batches(bench.tokens))
    sides = [
        WrkSide(
            bench,
            side_name(kind, uploads),
            bench.broker(kind, uploads),
            file,
            database=bench.database(kind, uploads),
            counts="uploads",
            writes=BATCH,
        )
        for kind in bench.plan.kinds
        for uploads in bench.plan.sizes
    ]
    samples = interleave([*sides, companion_side(bench)], bench.plan.rounds)
    lines = [
        rate(
            samples,
            "batch of 20",
            side_name(kind, smallest(bench)),
            COMPANION,
            TARGETS[kind],
            unit="tickets/s",
            factor=BATCH,
        )
        for kind in bench.plan.kinds
    ]
    return Section(
        title=TITLE, lines=lines + sizes(bench, samples, "batch of 20", "tickets/s", BATCH)
    )
