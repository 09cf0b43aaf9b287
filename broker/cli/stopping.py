"""End in good order: SIGINT, SIGTERM and SIGHUP ask, and what is under way is finished first."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

# SIGHUP comes when the terminal is closed: who ended by it at once would leave a server behind.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal:
    """Whether this process was asked to stop; wait on it instead of sleeping.

    No handler could set a `threading.Event` here: it would take the lock that the `wait` which
    it interrupts may hold, and a signal in the instant before a `wait` begins to block would be
    seen when that `wait` is over. The interpreter itself writes to the pipe, the moment that
    the signal comes (`signal.set_wakeup_fd`), and what is never read stays readable.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def is_set(self) -> bool:
        """Tell whether the process was asked to stop by now."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for at most `timeout` seconds, or for good; tell whether it was asked to stop."""
        return bool(wait([self._pipe], timeout))


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Take STOPS, but SIGHUP under nohup, as a wish to stop. For the main thread; may be nested."""
    readable, writable = os.pipe()
    # A full pipe has been seen, or will be: nothing is lost by not writing to it.
    os.set_blocking(writable, False)
    wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    # With a handler that does nothing the signal neither ends the process nor raises.
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
