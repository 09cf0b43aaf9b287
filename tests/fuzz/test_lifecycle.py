"""Generated histories of uploads: rows, objects and model agree after each step."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis.stateful import run_state_machine_as_test

from broker.db.session import Database
from broker.domain.limits import Limits
from tests.fuzz import (
    POSTGRESQL_IN_MATRIX,
    TIMES,
    repeatable,
)
from tests.fuzz.buckets import HistoryBucket, InProcessBucket, ServerBucket
from tests.fuzz.lifecycle import Lifecycle
from tests.fuzz.lifecycle_by_token import BY_TOKEN, BY_TOKEN_KEEPING, LifecycleByToken
from tests.fuzz.machine import KEEPING, RULES
from tests.servers.fixtures import Bucket

# The number of generated histories. PostgreSQL takes several times as long as SQLite.
FAST, KEEPERS = {"sqlite": 10, "postgresql": 4}, {"sqlite": 4, "postgresql": 2}
REAL = 2
STEPS = 40


def kind_of(database_url: str) -> str:
    return database_url.partition(":")[0].partition("+")[0]


@contextmanager
def history_on(
    bucket: HistoryBucket, database_url: str, limits: Limits, kind: type[Lifecycle] = Lifecycle
) -> Iterator[type[Lifecycle]]:
    database = Database(database_url)

    class History(kind):  # type: ignore[misc, valid-type]
        pass

    History.bucket, History.database, History.limits = bucket, database, limits
    try:
        yield History
    finally:
        database.dispose()


def run_histories(
    bucket: HistoryBucket,
    database_url: str,
    histories: int,
    limits: Limits = RULES,
    kind: type[Lifecycle] = Lifecycle,
) -> None:
    with history_on(bucket, database_url, limits, kind) as history:
        run_state_machine_as_test(
            history, settings=repeatable(histories, stateful_step_count=STEPS)
        )
    sys.stdout.write(f"{histories * TIMES} histories of up to {STEPS} steps: nothing found\n")


@POSTGRESQL_IN_MATRIX
def test_rows_objects_and_model_agree_in_every_history(database_url: str) -> None:
    run_histories(InProcessBucket(), database_url, FAST[kind_of(database_url)])


@POSTGRESQL_IN_MATRIX
def test_rows_objects_and_model_agree_if_the_reaper_keeps_arrived_uploads(
    database_url: str,
) -> None:
    run_histories(InProcessBucket(), database_url, KEEPERS[kind_of(database_url)], KEEPING)


@POSTGRESQL_IN_MATRIX
def test_rows_objects_and_model_agree_on_a_real_bucket(
    database_url: str, s3_bucket: Bucket
) -> None:
    run_histories(ServerBucket(s3_bucket), database_url, REAL)


@pytest.mark.matrix(part="fuzz")
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_rows_objects_and_model_agree_for_owners_by_token_and_private_files(
    database_url: str,
) -> None:
    histories = KEEPERS[kind_of(database_url)]
    for limits in (BY_TOKEN, BY_TOKEN_KEEPING):
        run_histories(InProcessBucket(), database_url, histories, limits, LifecycleByToken)
