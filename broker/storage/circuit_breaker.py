"""A circuit breaker: after a timeout, only one call at a time tests the server.

Without it, each request waits for its own timeout, and a silent bucket occupies all threads of
the API, which then answers neither tickets nor `/healthz`.
"""

import threading
import time
from collections.abc import Callable

OPEN_SECONDS = 2.0
# Longer than any call takes. If the thread of the trial call dies, another trial call follows.
TRIAL_SECONDS = 30.0


class CircuitBreaker:
    """A breaker that opens when a call times out. Then it allows one trial call at a time.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next_trial: float | None = None

    def allows(self) -> bool:
        """Check whether a call may be made. Afterwards, call `timed_out` or `answered`."""
        if self._next_trial is None:
            return True
        with self._lock:
            now = self._clock()
            if self._next_trial is not None:
                if now < self._next_trial:
                    return False
                self._next_trial = now + TRIAL_SECONDS
            return True

    def timed_out(self) -> None:
        """Open the breaker for some seconds."""
        with self._lock:
            self._next_trial = self._clock() + OPEN_SECONDS

    def answered(self) -> None:
        """Close the breaker: the server answered, at least with an error."""
        if self._next_trial is not None:
            with self._lock:
                self._next_trial = None
