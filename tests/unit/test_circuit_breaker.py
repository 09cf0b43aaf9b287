"""While a server does not answer in time, only one thread at a time tries it."""

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


def test_the_circuit_breaker_passes_all_until_one_times_out(breaker: CircuitBreaker) -> None:
    assert all(breaker.allows() for _ in range(5))
    breaker.answered()
    assert breaker.allows()
    breaker.ran_out_of_time()
    assert not any(breaker.allows() for _ in range(5))


def test_when_open_one_tries_and_its_answer_counts_for_all(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.ran_out_of_time()
    clock.now += OPEN_SECONDS
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.ran_out_of_time()
    assert not breaker.allows()
    clock.now += OPEN_SECONDS
    assert breaker.allows()
    breaker.answered()
    assert all(breaker.allows() for _ in range(5))


def test_if_the_trying_thread_disappears_another_tries(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.ran_out_of_time()
    clock.now += OPEN_SECONDS
    assert breaker.allows()
    clock.now += TRIAL_SECONDS
    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_of_many_concurrent_threads_only_one_tries(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.ran_out_of_time()
    clock.now += OPEN_SECONDS
    together = threading.Barrier(8)

    def ask(_: int) -> bool:
        together.wait()
        return breaker.allows()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
