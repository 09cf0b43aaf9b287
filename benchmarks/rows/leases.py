"""Leases: what idle workers cost PostgreSQL, and how many uploads a second they work off.

Each worker has a connection of its own, as in production. Some share a process, so that the two
cores work for PostgreSQL and not for changing between processes. The job does nothing: it is
finished at once by one compare-and-set on the number of its attempt.
"""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from uuid import UUID

import psycopg

from benchmarks import seed_rows
from benchmarks.bench import Bench
from benchmarks.databases import Database
from benchmarks.processes import cpu_seconds_of
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import plain, spaced
from benchmarks.servers.postgres import server_pids
from benchmarks.table import Line, Section, Target
from broker.db import leases
from broker.db.session import Database as BrokerDatabase
from broker.services.processing.lease import waiting
from broker.services.processing.run import POLL_SECONDS

TITLE = "Leases"
KIND = "PostgreSQL"
PROCESSES = 2
WARM_UP_RUNS = 2
RATE = 2_000
IDLE_PERCENT = 5.0
QUEUE = waiting(("ad", "user"))
FINISH = """
UPDATE uploads SET state = 'confirmed', settled_at = now()
WHERE id = %s AND publish_attempts = %s AND state = 'processing' RETURNING id
"""
# What the parent tells its workers.
IDLE, PAUSE, WORK, END = "idle", "pause", "work", "end"


def run(bench: Bench) -> Section:
    """Measure idle polling, then working off all due uploads."""
    database = bench.database(KIND, max(bench.plan.sizes))
    database.restore()
    size = f"{bench.plan.workers} workers, {spaced(database.uploads)} uploads"
    with psycopg.connect(_plain(database.url), autocommit=True) as connection:
        with _workers(database, bench.plan.workers) as workers:
            idle = [
                _idle(connection, workers, bench.plan.idle_seconds)
                for _ in range(bench.plan.rounds)
            ]
            # After a checkpoint PostgreSQL logs pages as a whole for a while (full_page_writes).
            _insert_due(database, WARM_UP_RUNS * bench.plan.due_uploads)
            _work_off(workers, WARM_UP_RUNS * bench.plan.due_uploads)
            rates = []
            for number in range(1, bench.plan.rounds + 1):
                _insert_due(database, bench.plan.due_uploads)
                rates.append(_work_off(workers, bench.plan.due_uploads))
                say(f"  round {number}  {size}: {rates[-1]:,.0f} leases/s")
        database.restore()
    percent, rate = Spread.of(idle), Spread.of(rates)
    return Section(
        title=TITLE,
        lines=[
            Line(
                what=f"leased and finished: {size}",
                measured=rate,
                unit="/s",
                beside="required",
                other=plain(RATE),
                ratio=rate.scaled(1 / RATE),
                target=Target(at_least=1),
                note="fsync on; no upload was leased twice",
            ),
            Line(
                what=f"PostgreSQL's CPU while idle: {size}",
                measured=percent,
                unit="% of a core",
                beside="allowed",
                other=plain(IDLE_PERCENT),
                ratio=percent.scaled(1 / IDLE_PERCENT),
                target=Target(at_most=1),
                note=f"each worker asks every {POLL_SECONDS} s",
            ),
        ],
    )


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


@contextmanager
def _workers(database: Database, count: int) -> Iterator[list[Connection]]:
    """Yield the pipes to processes that have this many workers in all; end the processes."""
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        for _ in range(PROCESSES):
            mine, theirs = context.Pipe()
            process = context.Process(
                target=_process, args=(database.url, theirs, count // PROCESSES), daemon=True
            )
            process.start()
            theirs.close()
            pipes.append(mine)
            processes.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            with suppress(BrokenPipeError):  # a worker has failed
                pipe.send(END)
        for process in processes:
            process.join()


def _process(url: str, pipe: Connection, count: int) -> None:
    """Let workers do what the parent says, until it says END."""
    databases = [BrokerDatabase(url) for _ in range(count)]
    connections = [psycopg.connect(_plain(url), autocommit=True) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        while (order := pipe.recv()) != END:
            if order == IDLE:
                paused = threading.Event()
                polling = [pool.submit(_poll, database, paused) for database in databases]
                pipe.recv()
                paused.set()
                for one in polling:
                    one.result()
            else:
                pipe.send(list(pool.map(_take_all, databases, connections)))
    for database, connection in zip(databases, connections, strict=True):
        database.dispose()
        connection.close()


def _poll(database: BrokerDatabase, paused: threading.Event) -> None:
    """Ask for work twice a second; there is none."""
    while not paused.wait(POLL_SECONDS):
        with database.session() as session:
            if leases.take(session, QUEUE) is not None:
                raise AssertionError("an upload is due while the workers should be idle")


def _take_all(
    database: BrokerDatabase, connection: psycopg.Connection
) -> tuple[float, float, list[UUID]]:
    """Lease and finish uploads until none is due; return begin, end, and the uploads.

    If it finds none, it waits as long as a worker does. The waits after its last upload are not
    part of the measured time.
    """
    done: list[UUID] = []
    began = ended = time.monotonic()
    found_none = 0
    while found_none < 2:
        with database.session() as session:
            upload = leases.take(session, QUEUE)
        if upload is None:  # or others are taking all of the first ones
            found_none += 1
            time.sleep(POLL_SECONDS)
            continue
        finished = connection.execute(FINISH, [upload.id, upload.publish_attempts]).fetchone()
        if finished is None:
            raise AssertionError(f"upload {upload.id} was leased twice at once")
        done.append(upload.id)
        ended, found_none = time.monotonic(), 0
    return began, ended, done


def _insert_due(database: Database, count: int) -> None:
    """Insert so many due uploads; there are no others."""
    database.restore()
    database.insert(seed_rows.due(count))


def _idle(connection: psycopg.Connection, workers: list[Connection], seconds: int) -> float:
    """Return PostgreSQL's CPU in percent of a core while all workers poll."""
    for pipe in workers:
        pipe.send(IDLE)
    time.sleep(6 * POLL_SECONDS)  # so that each worker has connected, and prepared its statement
    pids = server_pids(connection)
    before, began = cpu_seconds_of(pids), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (cpu_seconds_of(pids) - before) / (time.monotonic() - began)
    say(f"  idle: {percent:.1f} % of a core")
    for pipe in workers:
        pipe.send(PAUSE)
    return percent


def _work_off(workers: list[Connection], due: int) -> float:
    """Return the uploads leased and finished per second; check that each was leased once."""
    for pipe in workers:
        pipe.send(WORK)
    answers = [answer for pipe in workers for answer in pipe.recv()]
    done = [upload_id for _, _, uploads in answers for upload_id in uploads]
    if len(done) != due or len(set(done)) != due:
        raise AssertionError(f"{len(done)} leases of {len(set(done))} uploads; {due} were due")
    return due / (max(end for _, end, _ in answers) - min(began for began, _, _ in answers))
