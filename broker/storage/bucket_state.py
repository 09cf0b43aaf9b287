"""Whether the bucket answers, for probes and metrics, which must not wait for it."""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context

from broker.domain.errors import BrokerError

OK, UNKNOWN = "ok", "unknown"
MAX_AGE_SECONDS = 5
WAIT_SECONDS = 0.5
log = logging.getLogger("broker.bucket_state")


class BucketState:
    """The result of the latest check of the bucket.

    A check runs in a thread of its own, because a server that has vanished keeps it waiting for
    14 seconds, and a readiness probe often gives up after one.

    Args:
        check: raises StorageUnavailable or StorageDenied if the bucket cannot be used.
        max_age: after how many seconds a result is checked again.
        wait: for how many seconds `read` waits for a new result.
    """

    def __init__(
        self,
        check: Callable[[], None],
        *,
        max_age: float = MAX_AGE_SECONDS,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._check = check
        self._max_age = max_age
        self._wait = wait
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._state = UNKNOWN
        self._checked_at: float | None = None

    def read(self) -> str:
        """Return `ok`, the code of the error, or `unknown` while the first check is running."""
        with self._lock:
            if self._running is None and self._is_old():
                self._running = threading.Thread(
                    # With the context, the span of the call belongs to the request.
                    target=copy_context().run,
                    args=(self._run,),
                    daemon=True,
                )
                self._running.start()
            running = self._running
        if running is not None:
            running.join(self._wait)
        return self._state

    def _is_old(self) -> bool:
        return self._checked_at is None or time.monotonic() - self._checked_at >= self._max_age

    def _run(self) -> None:
        before = self._state
        try:
            self._check()
            state = OK
        except BrokerError as error:
            state = error.code
            if state != before:
                log.error("%s: %s", error.code, error.for_operators)
        except Exception:
            # Otherwise `_running` would stay set, and the bucket would never be checked again.
            state = BrokerError.code
            log.exception("the check of the bucket failed")
        else:
            if before not in (OK, UNKNOWN):
                log.warning("the bucket answers again")
        with self._lock:
            self._state = state
            self._checked_at = time.monotonic()
            self._running = None
