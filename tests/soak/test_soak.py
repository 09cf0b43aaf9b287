"""A short soak: the same servers, journeys and faults; no time is measured."""

import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

from tests.servers import installed_or_skip
from tests.soak.run import END, QUIET, Plan, run
from tests.soak.stack import Lifetimes, running
from tests.soak.table import markdown

PLAN = Plan(seconds=12, peak_seconds=2, bucket_away=2, clients=6, kill_inspectors=False)
LIFETIMES = Lifetimes(ttl=8, grace=4, reap_every=1)


@pytest.mark.matrix(part="kill")
@pytest.mark.timeout(300)  # a failed run waits for the reaper
def test_under_load_with_servers_killed_every_answer_is_right_and_nothing_is_left() -> None:
    # Not in tmp_path: PostgreSQL's user cannot enter it.
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as directory,
        installed_or_skip(),
        running(Path(directory), LIFETIMES, reap="delete") as stack,
    ):
        result = asyncio.run(run(stack, PLAN))
        sys.stdout.write(markdown(stack, result))
    assert result.findings == []
    away = [outage.code for outage in result.ledger.outages]
    assert away == ["lost", "storage_unavailable", "database_unavailable"]
    assert result.ledger.journeys["photo"] > 0
    before, after = result.ledger.named(QUIET), result.ledger.named(END)
    assert before.statuses["ok"] > 0
    assert after.statuses["ok"] > 0
