"""If a server does not answer in time, only one call at a time tries it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.storage.circuit_breaker import OPEN_SECONDS, TRIAL_SECONDS, CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def test_it_lets_all_through_until_one_runs_out_of_time(breaker: CircuitBreaker) -> None:
    assert all(breaker.allows() for _ in range(5))
    breaker.answered()
    assert breaker.allows()
    breaker.timed_out()
    assert not any(breaker.allows() for _ in range(5))


def test_then_one_tries_and_its_answer_is_for_all(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.timed_out()
    clock.now += OPEN_SECONDS
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.timed_out()
    assert not breaker.allows()
    clock.now += OPEN_SECONDS
    assert breaker.allows()
    breaker.answered()
    assert all(breaker.allows() for _ in range(5))


def test_where_who_tried_is_gone_another_tries(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.timed_out()
    clock.now += OPEN_SECONDS
    assert breaker.allows()
    clock.now += TRIAL_SECONDS
    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_of_many_at_once_one_tries(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.timed_out()
    clock.now += OPEN_SECONDS
    together = threading.Barrier(8)

    def ask(_: int) -> bool:
        together.wait()
        return breaker.allows()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
