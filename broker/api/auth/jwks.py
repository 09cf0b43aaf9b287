"""The token issuer's public keys (RFC 7517), refreshed in the background.

Requests only read the keys. A daemon thread downloads them. So after the first download no request
waits for the issuer, not even one with an unknown `kid`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from broker.api.auth.jwks_download import Keys, KeysNotDownloaded, download
from broker.api.problems.handlers import ApiError

# After a download, an unknown `kid` starts the next one no sooner than this.
UNKNOWN_KID_SECONDS = 10.0
RETRY_SECONDS = 5
FIRST_LOAD_SECONDS = 2.0
log = logging.getLogger("broker.jwks")


class KeysUnavailable(ApiError):
    """The token cannot be verified now. The issuer may have published its key in the meantime."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("keys_unavailable", "The issuer's keys are not loaded yet; try again.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Loaded:
    keys: Keys
    asked_at: float  # before the request, so that the keys are at least this new


class KeySet:
    """The issuer's keys by `kid`. A key expires `max_age` seconds after it was last seen.

    The keys are downloaded again at half that age, and five seconds after a failed download. If a
    token names an unknown key, they are downloaded earlier, but at most once in ten seconds. The
    thread starts with the first token, also in a forked process, and again if it has died.

    Args:
        algorithm: the keys must suit it; others are ignored.
        max_age: in seconds.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        algorithm: str,
        *,
        max_age: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._algorithm = algorithm
        self._max_age = max_age
        self._clock = clock
        self._loaded: _Loaded | None = None
        self._failed_at: float | None = None
        self._unknown_kid = False
        self._stopped = False
        self._forget_thread()
        os.register_at_fork(after_in_child=self._forget_thread)

    def key(self, kid: str | None) -> Any | None:
        """Return the key with this `kid`; None if the issuer does not have it.

        Raises:
            KeysUnavailable: the keys are not loaded or too old, or this one is unknown and the next
                download may bring it.
        """
        self._start()
        loaded = self._current()
        if loaded is None:
            self._tried.wait(FIRST_LOAD_SECONDS)  # returns at once after the first download
            loaded = self._current()
        if loaded is not None and kid not in loaded.keys:
            if self._failed_at is None and self._age_of(loaded) < UNKNOWN_KID_SECONDS:
                return None
            self._unknown_kid = True
        if self._clock() >= self._due_at():
            self._wake.set()
        if loaded is None or kid not in loaded.keys:
            raise KeysUnavailable(1 if self._failed_at is None else RETRY_SECONDS)
        return loaded.keys[kid]

    def holds(self, kid: str | None, key: Any) -> bool:
        """Check whether the last download had this key and is not too old."""
        loaded = self._current()
        return loaded is not None and loaded.keys.get(kid) is key

    def stop(self) -> None:
        """Stop the thread. The loaded keys work until they are too old."""
        with self._lock:
            self._stopped = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join()

    def _current(self) -> _Loaded | None:
        loaded = self._loaded
        if loaded is None or self._age_of(loaded) >= self._max_age:
            return None
        return loaded

    def _age_of(self, loaded: _Loaded) -> float:
        return self._clock() - loaded.asked_at

    def _forget_thread(self) -> None:
        """Forget the thread and its locks, because they do not survive a fork."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._tried = threading.Event()
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if not self._stopped and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="jwks", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped:
            seconds = self._due_at() - self._clock()
            if seconds > 0:
                self._wake.wait(seconds)
                self._wake.clear()
            else:
                self._refresh()

    def _due_at(self) -> float:
        if self._failed_at is not None:
            return self._failed_at + RETRY_SECONDS
        if self._loaded is None:
            return self._clock()
        pause = UNKNOWN_KID_SECONDS if self._unknown_kid else self._max_age
        return self._loaded.asked_at + min(pause, self._max_age / 2)

    def _refresh(self) -> None:
        asked_at = self._clock()
        try:
            keys = download(self._url, self._algorithm)
        except KeysNotDownloaded as error:
            self._failed_at = self._clock()
            log.error("The token issuer's keys cannot be fetched: %s", error)
        else:
            # A key that has not changed stays the same object, for `holds`.
            before = self._loaded.keys if self._loaded else {}
            same = {kid: before[kid] for kid in keys if kid in before and before[kid] == keys[kid]}
            self._loaded = _Loaded(keys | same, asked_at)
            self._failed_at = None
            if not keys:
                log.warning("The token issuer publishes no keys. All tokens are refused.")
        self._unknown_kid = False
        self._tried.set()
