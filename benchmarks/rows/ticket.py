"""Single tickets, compared with Companion's open route and a bare Flask view with boto3."""

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.rounds import interleave
from benchmarks.rows.lines import cpu, rate, side_name, sizes, smallest
from benchmarks.servers.command import two_workers
from benchmarks.sides import WrkSide
from benchmarks.table import Line, Section, Target

TITLE = "A single ticket"
COMPANION, BARE = "Companion", "Flask and boto3"
COMPANION_REQUEST = requests.raw("GET", "/s3/params?filename=IMG_2041.jpg&type=image/jpeg")
RATES = {"PostgreSQL": Target(at_least=1.6), "SQLite": None}
CPU = {"PostgreSQL": Target(at_most=0.5), "SQLite": Target(at_most=0.7)}
TWO_WORKERS = "PostgreSQL, two workers"
TWO_WORKERS_RATE = Target(at_least=2)


def ticket_sides(bench: Bench, sizes: tuple[int, ...]) -> list[WrkSide]:
    """Return a side for each database and size."""
    file = bench.request_file(requests.tickets(bench.tokens))
    return [
        WrkSide(
            bench,
            side_name(kind, uploads),
            bench.broker(kind, uploads),
            file,
            database=bench.database(kind, uploads),
            counts="uploads",
        )
        for kind in bench.plan.kinds
        for uploads in sizes
    ]


def companion_side(bench: Bench) -> WrkSide:
    """Return the side that measures Companion."""
    return WrkSide(bench, COMPANION, bench.companion, bench.request_file([COMPANION_REQUEST]))


def run(bench: Bench) -> Section:
    """Measure this row."""
    bare = bench.request_file([requests.raw("GET", "/form")])
    peers = [companion_side(bench), WrkSide(bench, BARE, bench.presigning, bare)]
    sides = ticket_sides(bench, bench.plan.sizes)
    two_workers_side = [_two_workers(bench)] if "PostgreSQL" in bench.plan.kinds else []
    # Measure the peers between the broker's sides, so that they are close in time.
    order = [
        *sides[: len(sides) // 2],
        *two_workers_side,
        peers[0],
        *sides[len(sides) // 2 :],
        peers[1],
    ]
    samples = interleave(order, bench.plan.rounds)
    lines: list[Line] = []
    for kind in bench.plan.kinds:
        side = side_name(kind, smallest(bench))
        lines.append(rate(samples, "ticket", side, COMPANION, RATES[kind]))
        lines.append(cpu(samples, "ticket", side, COMPANION, CPU[kind]))
        lines.append(rate(samples, "ticket", side, BARE))
    lines += [
        rate(samples, "ticket", side.name, COMPANION, TWO_WORKERS_RATE) for side in two_workers_side
    ]
    return Section(title=TITLE, lines=lines + sizes(bench, samples, "ticket", "/s"))


def _two_workers(bench: Bench) -> WrkSide:
    """Return the side with two workers, for two cores. Companion is one process."""
    kind, uploads = "PostgreSQL", smallest(bench)
    return WrkSide(
        bench,
        TWO_WORKERS,
        bench.served("two workers", kind, uploads, two_workers),
        bench.request_file(requests.tickets(bench.tokens)),
        database=bench.database(kind, uploads),
        counts="uploads",
    )
