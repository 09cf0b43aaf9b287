"""Ask a server that has just not answered in time no more than one call at a time.

Else each request waits out the time limits by itself, and a bucket that is silent takes all
threads of the API, from tickets and from `/healthz`, too. What a call is, is its caller's.
"""

import threading
import time
from collections.abc import Callable

OPEN_SECONDS = 2.0
# Longer than a call may take: if whoever asks on behalf of all is gone, another does.
TRIAL_SECONDS = 30.0


class CircuitBreaker:
    """Closed until a call runs out of time; then open, but for one trial at a time.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next_trial: float | None = None

    def allows(self) -> bool:
        """Tell whether to make a call; its caller then tells how it went."""
        if self._next_trial is None:
            return True
        with self._lock:
            now = self._clock()
            if self._next_trial is not None:
                if now < self._next_trial:
                    return False
                self._next_trial = now + TRIAL_SECONDS
            return True

    def ran_out_of_time(self) -> None:
        """Open it, for all who ask within the next seconds."""
        with self._lock:
            self._next_trial = self._clock() + OPEN_SECONDS

    def answered(self) -> None:
        """Close it: the server is there, whatever it said."""
        if self._next_trial is not None:
            with self._lock:
                self._next_trial = None
