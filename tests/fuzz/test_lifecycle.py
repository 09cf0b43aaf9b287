"""Histories of uploads that hypothesis makes up: after each step rows, objects and model agree."""

import sys

from hypothesis.stateful import run_state_machine_as_test

from broker.db.session import Database
from tests.fuzz import TIMES, repeatable
from tests.fuzz.buckets import FakeWorld, RealWorld, World
from tests.fuzz.lifecycle import Lifecycle
from tests.servers.fixtures import Bucket

# Histories; PostgreSQL takes several times as long for one.
FAST, REAL = {"sqlite": 20, "postgresql": 7}, 2
STEPS = 40


def live(world: World, database_url: str, histories: int) -> None:
    database = Database(database_url)

    class Here(Lifecycle):
        pass

    Here.world, Here.database = world, database
    try:
        run_state_machine_as_test(Here, settings=repeatable(histories, stateful_step_count=STEPS))
    finally:
        database.dispose()
    sys.stdout.write(f"{histories * TIMES} histories of up to {STEPS} steps: nothing found\n")


def test_no_history_leaves_rows_objects_and_model_apart(database_url: str) -> None:
    live(FakeWorld(), database_url, FAST[database_url.partition(":")[0].partition("+")[0]])


def test_nor_does_one_on_a_real_bucket(database_url: str, s3_bucket: Bucket) -> None:
    live(RealWorld(s3_bucket), database_url, REAL)
