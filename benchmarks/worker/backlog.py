"""How many images a second workers publish while uploads wait."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from benchmarks.bench import Bench
from benchmarks.databases import Database
from benchmarks.load.wrk import LoadFailed
from benchmarks.processes import cpu_seconds, cpu_seconds_of, cpu_seconds_of_process
from benchmarks.servers.postgres import server_pids
from benchmarks.servers.workers import Workers
from benchmarks.worker.photo import Photo, send

STATES = "SELECT state, count(*) FROM uploads WHERE id = ANY(%s) GROUP BY state"
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"
LOOK_SECONDS = 0.02
SECONDS_PER_IMAGE = 20


@dataclass(frozen=True, kw_only=True)
class Work:
    """Images a second, and CPU seconds per image of the workers, the bucket and PostgreSQL."""

    rate: float
    workers: float
    bucket: float
    database: float


def work_off(
    bench: Bench,
    database: Database,
    connection: psycopg.Connection,
    workers: Workers,
    photo: Photo,
) -> Work:
    """Let idle workers process uploads that all become due at once."""
    count = bench.plan.images_per_worker * len(workers.pids)
    batch, ids = send(bench, photo, count)
    database.insert(batch)
    _make_due(connection, ids, len(workers.pids))
    began = time.perf_counter()
    before = _cpu(bench, connection, workers)
    _await_images(connection, ids)
    seconds = time.perf_counter() - began
    used = [
        (late - early) / count
        for early, late in zip(before, _cpu(bench, connection, workers), strict=True)
    ]
    return Work(rate=count / seconds, workers=used[0], bucket=used[1], database=used[2])


def _make_due(connection: psycopg.Connection, ids: Sequence[UUID], workers: int) -> None:
    """Make the uploads due at a moment when all workers ask, so that all begin at once."""
    with connection.transaction():
        connection.execute("LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
        connection.execute("UPDATE uploads SET due_at = now() WHERE id = ANY(%s)", [ids])
        deadline = time.monotonic() + 10
        while connection.execute(BLOCKED).fetchone() != (workers,):
            if time.monotonic() > deadline:
                raise LoadFailed("not all workers ask for work")
            time.sleep(LOOK_SECONDS)


def _await_images(connection: psycopg.Connection, ids: Sequence[UUID]) -> None:
    deadline = time.monotonic() + SECONDS_PER_IMAGE * len(ids)
    while time.monotonic() < deadline:
        found = dict(connection.execute(STATES, [ids]).fetchall())
        if found == {"confirmed": len(ids)}:
            return
        if set(found) - {"processing", "confirmed"}:
            raise LoadFailed(f"states of the uploads: {found}")
        time.sleep(LOOK_SECONDS)
    raise LoadFailed(f"states of the uploads: {found}")


def _cpu(
    bench: Bench, connection: psycopg.Connection, workers: Workers
) -> tuple[float, float, float]:
    """Return the CPU seconds so far of the workers, the bucket and PostgreSQL."""
    try:
        of_workers = sum(map(cpu_seconds_of_process, workers.pids))
    except OSError as error:
        raise LoadFailed("a worker has ended") from error
    return (
        of_workers,
        cpu_seconds(bench.seaweedfs.pid or 0),
        cpu_seconds_of(server_pids(connection)),
    )
