"""Histories of uploads that hypothesis makes up: after each step rows, objects and model agree."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis.stateful import run_state_machine_as_test

from broker.db.session import Database
from broker.domain.limits import Limits
from tests.fuzz import TIMES, repeatable
from tests.fuzz.buckets import FakeWorld, RealWorld, World
from tests.fuzz.lifecycle import Lifecycle
from tests.fuzz.machine import KEEPING, RULES
from tests.fuzz.stories import ANYWHERE, LATE, STORIES, Story, tell
from tests.servers.fixtures import Bucket

# Histories, and stories; PostgreSQL takes several times as long for one.
FAST, KEEPERS = {"sqlite": 14, "postgresql": 5}, {"sqlite": 5, "postgresql": 2}
TOLD = {"sqlite": {**STORIES, **LATE}, "postgresql": {**STORIES, **LATE} if TIMES > 1 else LATE}
REAL = 2
STEPS = 40


def kind_of(database_url: str) -> str:
    return database_url.partition(":")[0].partition("+")[0]


@contextmanager
def lived_on(world: World, database_url: str, limits: Limits) -> Iterator[type[Lifecycle]]:
    database = Database(database_url)

    class Here(Lifecycle):
        pass

    Here.world, Here.database, Here.limits = world, database, limits
    try:
        yield Here
    finally:
        database.dispose()


def live(world: World, database_url: str, histories: int, limits: Limits = RULES) -> None:
    with lived_on(world, database_url, limits) as here:
        run_state_machine_as_test(here, settings=repeatable(histories, stateful_step_count=STEPS))
    sys.stdout.write(f"{histories * TIMES} histories of up to {STEPS} steps: nothing found\n")


def test_no_history_leaves_rows_objects_and_model_apart(database_url: str) -> None:
    live(FakeWorld(), database_url, FAST[kind_of(database_url)])


def test_nor_does_one_where_the_reaper_keeps_what_has_arrived(database_url: str) -> None:
    live(FakeWorld(), database_url, KEEPERS[kind_of(database_url)], KEEPING)
    if kind_of(database_url) == "sqlite" or TIMES > 1:
        tell_all(FakeWorld(), database_url, LATE, KEEPING)


def test_nor_does_one_on_a_real_bucket(database_url: str, s3_bucket: Bucket) -> None:
    live(RealWorld(s3_bucket), database_url, REAL)


def test_nor_does_one_that_chance_seldom_makes(database_url: str) -> None:
    tell_all(FakeWorld(), database_url, TOLD[kind_of(database_url)])


# What is the server's part is the same with either database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nor_does_one_of_those_on_a_real_bucket(database_url: str, s3_bucket: Bucket) -> None:
    tell_all(RealWorld(s3_bucket), database_url, ANYWHERE)


def tell_all(
    world: World, database_url: str, stories: dict[str, Story], limits: Limits = RULES
) -> None:
    """Tell each; that which fails is the last one named."""
    with lived_on(world, database_url, limits) as here:
        for about, story in stories.items():
            sys.stdout.write(f"{about}\n")
            tell(here(), story)
