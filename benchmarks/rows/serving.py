"""Tickets with other servers, processes and threads, to justify the Dockerfile's choice."""

from collections.abc import Callable

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.rounds import interleave
from benchmarks.rows.lines import rate, smallest
from benchmarks.servers.command import command, granian, gunicorn
from benchmarks.sides import WrkSide
from benchmarks.table import Section

TITLE = "How it is served"
KIND = "PostgreSQL"
DEPLOYED = "as in the Dockerfile, one worker"
WAYS: dict[str, Callable[[int], list[str]]] = {
    DEPLOYED: command,
    "granian, 1 worker, 1 thread": lambda port: granian(port, workers=1, threads=1),
    "granian, 1 worker, 4 threads": lambda port: granian(port, workers=1, threads=4),
    "granian, 1 worker, 8 threads": lambda port: granian(port, workers=1, threads=8),
    "granian, 2 workers, 2 threads": lambda port: granian(port, workers=2, threads=2),
    "granian, 2 workers, 4 threads": lambda port: granian(port, workers=2, threads=4),
    "gunicorn, 1 worker, sync": lambda port: gunicorn(port, workers=1),
    "gunicorn, 1 worker, 4 threads": lambda port: gunicorn(port, workers=1, threads=4),
    "gunicorn, 2 workers, 4 threads": lambda port: gunicorn(port, workers=2, threads=4),
}


def run(bench: Bench) -> Section:
    """Measure this row."""
    file = bench.request_file(requests.tickets(bench.tokens))
    uploads = smallest(bench)
    sides = [
        WrkSide(
            bench,
            name,
            bench.served(name, KIND, uploads, way),
            file,
            database=bench.database(KIND, uploads),
            counts="uploads",
        )
        for name, way in WAYS.items()
    ]
    samples = interleave(sides, bench.plan.rounds)
    others = [name for name in WAYS if name != DEPLOYED]
    lines = [rate(samples, "ticket", name, DEPLOYED) for name in others]
    return Section(title=TITLE, lines=lines)
