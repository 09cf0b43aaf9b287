"""Anonymous reads of an ad with twenty images."""

from benchmarks import requests, seed_rows
from benchmarks.bench import KINDS, Bench
from benchmarks.rounds import interleave
from benchmarks.rows.lines import alone, side_name, sizes, smallest
from benchmarks.sides import WrkSide
from benchmarks.table import Section

TITLE = "An ad with 20 images"
ADS = 1_000  # the number of ads to read, evenly distributed over all ads


def run(bench: Bench) -> Section:
    """Measure this row."""
    sides = []
    for kind in KINDS:
        for uploads in bench.plan.sizes:
            file = bench.request_file(_requests(uploads))
            database, server = bench.database(kind, uploads), bench.broker(kind, uploads)
            name = side_name(kind, uploads)
            sides.append(WrkSide(bench, name, server, file, database=database))
    samples = interleave(sides, bench.plan.rounds)
    lines = alone(samples, "ad with 20 images", [side_name(k, smallest(bench)) for k in KINDS])
    return Section(title=TITLE, lines=lines + sizes(bench, samples, "ad with 20 images", "/s"))


def _requests(uploads: int) -> list[bytes]:
    there = uploads // len(seed_rows.STATES)
    step = max(1, there // ADS)
    return [
        requests.raw("GET", f"/api/ads/{seed_rows.FIRST_AD + number}/")
        for number in range(0, there, step)
    ][:ADS]
