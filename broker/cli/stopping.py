"""Shut down cleanly: SIGINT, SIGTERM and SIGHUP set a flag, and current work is finished."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

# SIGHUP arrives when the terminal is closed. Exiting at once would leave servers running.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """A flag that a stop signal sets. Wait on it instead of sleeping.

    A `threading.Event` does not work here: the signal handler would take the lock that an
    interrupted `wait` may hold, and a signal just before `wait` blocks would go unnoticed until
    `wait` returns. With `signal.set_wakeup_fd` the interpreter writes to a pipe as soon as the
    signal arrives. Nothing reads the pipe, so it stays readable.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def is_set(self) -> bool:
        """Check whether a stop signal has arrived."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds, or forever; return whether a stop signal has arrived."""
        return bool(wait([self._pipe], timeout))


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Catch the STOPS signals, except SIGHUP under nohup. Main thread only; may be nested."""
    readable, writable = os.pipe()
    # If the pipe is full, it is readable already, so a lost write does not matter.
    os.set_blocking(writable, False)
    wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    # With a handler, even an empty one, the signal does not end the process.
    before = {
        number: signal.signal(number, lambda *_: None)
        for number in STOPS
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield StopSignal(readable)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(readable)
        os.close(writable)
