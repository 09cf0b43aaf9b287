"""What a process remembers of erased users while the database answers slowly or not at all."""

import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from broker.api.auth.erased_users import REREAD_SECONDS, ErasedUsers
from broker.domain.errors import DatabaseUnavailable
from broker.domain.principal import Principal

CALLER = Principal(user_id=1, issued_at=0)
WAITING = 8


def test_requests_that_wait_for_a_database_that_is_down_fail_together() -> None:
    reads: list[datetime] = []
    calls = itertools.count(1)
    all_wait = threading.Event()

    def clock() -> float:
        number = next(calls)
        # The first request reads the clock twice before it reads the database.
        if number > WAITING:
            all_wait.set()
        return float(number)

    def down(since: datetime) -> Mapping[int, datetime]:
        reads.append(since)
        assert all_wait.wait(10)
        raise DatabaseUnavailable("down")

    users = ErasedUsers(down, clock)
    with ThreadPoolExecutor(WAITING) as pool:
        asked = [pool.submit(users.has, CALLER) for _ in range(WAITING)]
    assert {type(one.exception()) for one in asked} == {DatabaseUnavailable}
    assert len(reads) == 1


def test_the_first_request_after_an_outage_reads_the_database_again() -> None:
    now = [0.0]
    answers: list[Mapping[int, datetime] | None] = [None, {1: datetime.now(UTC)}]

    def read(_: datetime) -> Mapping[int, datetime]:
        found = answers.pop(0)
        if found is None:
            raise DatabaseUnavailable("down")
        return found

    users = ErasedUsers(read, lambda: now[0])
    with pytest.raises(DatabaseUnavailable):
        users.has(CALLER)
    now[0] += REREAD_SECONDS / 10
    assert users.has(CALLER)
    assert not users.has(Principal(user_id=2, issued_at=0))


def test_a_token_of_a_later_second_is_newer_than_the_erasure() -> None:
    erased_at = datetime.now(UTC).replace(microsecond=0) + timedelta(milliseconds=1)
    users = ErasedUsers(lambda _: {}, lambda: 0.0)
    users.add(1, erased_at)
    second = int(erased_at.timestamp())
    assert users.has(Principal(user_id=1, issued_at=second))
    assert users.has(Principal(user_id=1, issued_at=None))
    assert not users.has(Principal(user_id=1, issued_at=second + 1))
