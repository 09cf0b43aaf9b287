"""Scripted histories of uploads: rows, objects and model agree after each action.

`make test` plays what is quick on SQLite. The matrix plays the same on PostgreSQL. Of the many
longer ones it plays each on one of the two databases.
"""

import sys

import pytest

from broker.domain.limits import Limits
from tests.fuzz import ARE_NEW, lifecycle_by_token, scripted_workers
from tests.fuzz.buckets import HistoryBucket, InProcessBucket, ServerBucket
from tests.fuzz.lifecycle import Lifecycle
from tests.fuzz.lifecycle_by_token import BY_TOKEN, BY_TOKEN_KEEPING, LifecycleByToken
from tests.fuzz.machine import KEEPING, RULES
from tests.fuzz.scripted import MORE, ON_SERVERS, SCRIPTED, STALE, Script, play
from tests.fuzz.test_lifecycle import history_on, kind_of
from tests.servers.fixtures import Bucket

IN_MATRIX = pytest.mark.matrix(part="fuzz")
# A script is always the same, so the matrix need not repeat what `make test` has played.
QUICK = [] if ARE_NEW else ["sqlite"]
PLAYED_ON_EACH = pytest.mark.parametrize(
    "database_url", [*QUICK, pytest.param("postgresql", marks=IN_MATRIX)], indirect=True
)
DATABASES = ["sqlite", "postgresql"]
PLAYED_ON_ONE = pytest.mark.parametrize("database_url", DATABASES, indirect=True)


@PLAYED_ON_EACH
def test_rows_objects_and_model_agree_in_scripted_histories(database_url: str) -> None:
    play_all(InProcessBucket(), database_url, {**SCRIPTED, **STALE})


@PLAYED_ON_EACH
def test_rows_objects_and_model_agree_in_scripted_histories_if_arrived_uploads_are_kept(
    database_url: str,
) -> None:
    play_all(InProcessBucket(), database_url, STALE, KEEPING)


@PLAYED_ON_EACH
def test_rows_objects_and_model_agree_in_scripted_histories_of_workers(database_url: str) -> None:
    play_all(InProcessBucket(), database_url, scripted_workers.QUICK, KEEPING)


# The behaviour of the server does not depend on the database.
@IN_MATRIX
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rows_objects_and_model_agree_in_scripted_histories_on_a_real_bucket(
    database_url: str, s3_bucket: Bucket
) -> None:
    play_all(ServerBucket(s3_bucket), database_url, ON_SERVERS)


@IN_MATRIX
@PLAYED_ON_ONE
def test_rows_objects_and_model_agree_in_more_scripted_histories(database_url: str) -> None:
    play_all(InProcessBucket(), database_url, share_of(MORE, database_url))


@IN_MATRIX
@PLAYED_ON_ONE
def test_rows_objects_and_model_agree_whatever_happens_at_any_moment_of_an_attempt(
    database_url: str,
) -> None:
    play_all(InProcessBucket(), database_url, share_of(scripted_workers.MORE, database_url))


@IN_MATRIX
@PLAYED_ON_ONE
def test_rows_objects_and_model_agree_in_scripted_histories_of_owners_by_token(
    database_url: str,
) -> None:
    scripts = share_of({**SCRIPTED, **lifecycle_by_token.SCRIPTED}, database_url)
    play_all(InProcessBucket(), database_url, scripts, BY_TOKEN, LifecycleByToken)
    workers = share_of(scripted_workers.QUICK, database_url)
    play_all(InProcessBucket(), database_url, workers, BY_TOKEN_KEEPING, LifecycleByToken)


def share_of(scripted: dict[str, Script], database_url: str) -> dict[str, Script]:
    """Return every second script, so that each is played on one of the databases."""
    first = DATABASES.index(kind_of(database_url))
    return dict(list(scripted.items())[first :: len(DATABASES)])


def play_all(
    bucket: HistoryBucket,
    database_url: str,
    scripted: dict[str, Script],
    limits: Limits = RULES,
    kind: type[Lifecycle] = Lifecycle,
) -> None:
    """Run each script; the output names the failing one last."""
    with history_on(bucket, database_url, limits, kind) as history:
        for about, script in scripted.items():
            sys.stdout.write(f"{about}\n")
            play(history(), script)
