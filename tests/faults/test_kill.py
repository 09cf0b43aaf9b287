"""kill -9 of the API after every step of every operation that changes something.

The invariants are true after each kill. After the client has repeated its request and the reaper
has run, nothing is lost and nothing is left.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

import pytest
from flask import Flask

from tests.faults import operations, victim
from tests.faults.invariants import check_invariants
from tests.faults.operations import ALICE, OPERATIONS, SETTINGS, SETTLED, Scene
from tests.faults.victim import Request
from tests.http.client import BOTH_SERVERS, SECRET
from tests.servers import S3Server
from tests.servers.fixtures import Bucket

STEPS_MAX = 40
# These run in `make test`. All others are slow and run in `make matrix`.
QUICK = (
    (operations.confirm_and_promote, {}),
    (operations.complete, {}),
)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Start a fork server. Its processes start fast, and without the threads of this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.victim"])
    return context


@contextmanager
def killable(
    processes: ForkServerContext, settings: dict[str, Any], server: S3Server
) -> Iterator[Connection]:
    """Run a process that forks a child for each request and kills it at a step."""
    environment = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    ours, theirs = processes.Pipe()
    process = processes.Process(target=victim.serve, args=(theirs, settings, environment))
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join(30)
        process.kill()


def is_killed(orders: Connection, request: Request, step: int) -> bool:
    """Run the request in a child process; return False if the request reached its end."""
    orders.send((request, step))
    assert orders.poll(60)
    code = orders.recv()
    assert code in (0, -signal.SIGKILL)
    return bool(code)


def kill_at_every_step(
    scene: Scene, prepare: Callable[[Scene], Request], orders: Connection
) -> int:
    """Kill the request at every second step until it reaches its end; return how often.

    The steps are odd on SQLite and even on PostgreSQL, so that each is killed with one of them.
    """
    url = scene.app.extensions["broker"].settings.database_url
    first = 1 if url.startswith("sqlite") else 2
    for kills, step in enumerate(range(first, STEPS_MAX, 2)):
        request = prepare(scene)
        killed = is_killed(orders, request, step)
        state = check_invariants(scene.app)
        sys.stdout.write(
            f"{prepare.__name__} {'killed' if killed else 'done'} at {step}: {state}\n"
        )
        assert state.violations == []
        if not killed:
            return kills
        # The lease of a killed worker runs out.
        later = replace(request, after=request.after + timedelta(hours=1))
        assert victim.perform(scene.app, later) in SETTLED
    pytest.fail(f"not finished after {STEPS_MAX} steps")


@BOTH_SERVERS
@pytest.mark.parametrize(
    ("prepare", "changes"),
    [
        pytest.param(
            prepare,
            changes,
            id="-".join(
                [prepare.__name__, *filter(None, [changes.get("inspection"), changes.get("reap")])]
            ),
            marks=[] if (prepare, changes) in QUICK else pytest.mark.matrix(part="kill"),
        )
        for prepare, changes in OPERATIONS
    ],
)
def test_after_a_kill_at_any_step_nothing_is_lost_and_nothing_is_left(
    make_app: Callable[..., Flask],
    database_url: str,
    s3_bucket: Bucket,
    processes: ForkServerContext,
    prepare: Callable[[Scene], Request],
    changes: dict[str, Any],
) -> None:
    changes = SETTINGS | changes
    app = make_app(**changes)
    settings = {
        "database_url": database_url,
        "s3_bucket": s3_bucket.name,
        "s3_endpoint_url": s3_bucket.server.endpoint_url,
        "jwt_secret": SECRET,
        **changes,
    }
    with killable(processes, settings, s3_bucket.server) as orders:
        kills = kill_at_every_step(Scene(app, s3_bucket), prepare, orders)
    for days in (3, 6, 9):
        victim.perform(app, Request(ALICE, after=timedelta(days=days)))
        victim.perform(app, Request(ALICE, works=True, after=timedelta(days=days)))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{prepare.__name__} at rest: {state}\n")
    assert state.violations == []
    assert kills > 0
