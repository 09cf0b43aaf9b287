"""A stop signal is never missed, no matter when it arrives."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from broker.cli.stopping import STOPS, stop_signal

# Longer than the timeout of a test, so that a missed signal shows as a hang.
FOREVER = 600.0


@pytest.fixture(autouse=True)
def without_nohup() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_under_nohup_a_closed_terminal_does_not_stop_the_process() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stop_signal() as stop:
        signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.parametrize("number", STOPS)
def test_each_stop_signal_sets_the_flag_for_good(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signal() as stop:
        assert not stop.is_set()
        assert not stop.wait(0.01)
        signal.raise_signal(number)
        assert stop.is_set()
        assert stop.wait(FOREVER)
        assert stop.wait()
    assert signal.getsignal(number) is before


def test_a_second_signal_is_distinguished_from_the_first() -> None:
    with stop_signal() as first:
        signal.raise_signal(signal.SIGTERM)
        with stop_signal() as second:
            assert first.is_set()
            assert not second.is_set()
            signal.raise_signal(signal.SIGTERM)
            assert second.wait(FOREVER)


def test_more_signals_than_a_pipe_holds_do_no_harm() -> None:
    with stop_signal() as stop:
        for _ in range(70_000):
            signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()


def test_a_wait_that_the_signal_does_not_interrupt_ends() -> None:
    # A signal just before a wait blocks does not interrupt it. A signal to another thread has the
    # same effect and needs no exact timing.
    with stop_signal() as stop:
        other = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        other.start()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            assert stop.wait(FOREVER)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            other.join()


def test_a_signal_at_any_line_of_a_wait_ends_it() -> None:
    lines = 0
    # Repeat for each line of the wait, until a run ends before its signal.
    while lines < 1000:
        with stop_signal() as stop:
            seen = traced(lambda: stop.wait(0.001), at=(lines := lines + 1))
            if seen < lines:
                break
            assert stop.is_set()
            assert traced(lambda: stop.wait(FOREVER), at=0) > 0
    assert 20 < lines < 1000


def traced(call: Callable[[], Any], *, at: int) -> int:
    """Run `call`, and raise SIGTERM at the given executed line; return the number of lines."""
    seen = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal seen
        seen += event == "line"
        if event == "line" and seen == at:
            signal.raise_signal(signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return seen
