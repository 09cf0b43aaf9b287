"""Resident memory during a hundred thousand tickets."""

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.load import wrk
from benchmarks.plan import BATCH
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import plain, smallest, spaced
from benchmarks.table import Line, Section, Target

TITLE = "Resident memory"
KIND = "PostgreSQL"
FLAT = Target(at_most=1.05)
SLICE_SECONDS = 2
WARM = 5  # the first fifth of the tickets is the warm-up, which fills pools and caches


def run(bench: Bench) -> Section:
    """Measure the memory every two seconds until all tickets are issued."""
    size, wanted = smallest(bench), bench.plan.memory_tickets
    bench.database(KIND, size).restore()
    server = bench.broker(KIND, size)
    file = bench.request_file(requests.batches(bench.tokens))
    samples: list[tuple[int, int]] = []
    issued = 0
    while issued < wanted:
        ended = wrk.run(
            server.port,
            file,
            seconds=1 if bench.plan.quick else SLICE_SECONDS,
            connections=bench.plan.connections,
            start=issued // BATCH % 1000,
        )
        issued += ended.requests * BATCH
        samples.append((issued, server.resident_bytes()))
        say(f"  {issued:,} tickets: {samples[-1][1] / 1e6:.1f} MB")
    warm = [resident for count, resident in samples if count >= wanted // WARM]
    first, last = warm[0], warm[-1]
    line = Line(
        what=f"resident after {spaced(issued)} tickets in batches of 20",
        measured=Spread(median=last / 1e6, low=min(warm) / 1e6, high=max(warm) / 1e6),
        unit="MB",
        beside="after the first fifth",
        other=plain(first / 1e6),
        ratio=plain(last / first),
        target=FLAT,
        note="granian's parent process and its one worker",
    )
    data = {"resident": [{"tickets": count, "bytes": size} for count, size in samples]}
    return Section(title=TITLE, lines=[line], data=data)
