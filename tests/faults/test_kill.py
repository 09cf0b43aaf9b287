"""kill -9 of the API after every step of every operation that changes something.

The invariants are true after each kill. After the client has repeated its request and the reaper
has run, nothing is lost and nothing is left.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.faults import operations, victim
from tests.faults.invariants import check_invariants
from tests.faults.operations import ALICE, OPERATIONS, SETTINGS, SETTLED, Scene
from tests.faults.victim import Request
from tests.faults.victims import Victims
from tests.http.client import BOTH_SERVERS
from tests.servers.fixtures import Bucket

STEPS_MAX = 40
# These run in `make test`. All others are slow and run in `make matrix`.
QUICK = (
    (operations.confirm_and_promote, {}),
    (operations.complete, {}),
)


def kill_at_every_step(scene: Scene, prepare: Callable[[Scene], Request], victims: Victims) -> int:
    """Kill the request at every second step until it reaches its end; return how often.

    The steps are odd on SQLite and even on PostgreSQL, so that each is killed with one of them.
    """
    url = scene.app.extensions["broker"].settings.database_url
    first = 1 if url.startswith("sqlite") else 2
    for kills, step in enumerate(range(first, STEPS_MAX, 2)):
        request = prepare(scene)
        killed = victims.is_killed(request, step)
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
    victims: Victims,
    prepare: Callable[[Scene], Request],
    changes: dict[str, Any],
) -> None:
    changes = SETTINGS | changes
    app = make_app(**changes)
    victims.start(database_url, s3_bucket, changes)
    kills = kill_at_every_step(Scene(app, s3_bucket), prepare, victims)
    for days in (3, 6, 9):
        victim.perform(app, Request(ALICE, after=timedelta(days=days)))
        victim.perform(app, Request(ALICE, works=True, after=timedelta(days=days)))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{prepare.__name__} at rest: {state}\n")
    assert state.violations == []
    assert kills > 0
