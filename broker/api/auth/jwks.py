"""The token issuer's public keys (RFC 7517), which are kept while the issuer is down."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from jwt import PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWKClientError, PyJWKError, PyJWKSetError

from broker.api.problems.handlers import ApiError

REFETCH_SECONDS = 60.0
RETRY_SECONDS = 5.0
FETCH_TIMEOUT_SECONDS = 3.0
log = logging.getLogger("broker.jwks")


class KeysUnavailable(ApiError):
    """The issuer's keys cannot be fetched, so the token cannot be verified."""

    retry_after = int(RETRY_SECONDS)

    def __init__(self) -> None:
        super().__init__("keys_unavailable", "The issuer's keys cannot be fetched; try again.")


class KeySet:
    """The issuer's keys by `kid`.

    They are fetched when a token names an unknown key, at most once a minute, and after a failed
    fetch at most once in five seconds.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_SECONDS)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._ask_again_at: float | None = None
        self._failed = False

    def key(self, kid: str | None) -> Any | None:
        """Return the key with this `kid`; None if the issuer does not have it.

        Raises:
            KeysUnavailable: the key is unknown, and the keys could not be fetched.
        """
        if kid in self._keys:
            return self._keys[kid]
        with self._lock:
            if kid not in self._keys and self._may_fetch():
                self._fetch()
            if kid not in self._keys and self._failed:
                raise KeysUnavailable
            return self._keys.get(kid)

    def _may_fetch(self) -> bool:
        return self._ask_again_at is None or self._clock() >= self._ask_again_at

    def _fetch(self) -> None:
        try:
            found = PyJWKSet.from_dict(self._client.fetch_data())
        except (PyJWKClientError, PyJWKSetError, PyJWKError, ValueError, OSError) as error:
            # OSError: the connection broke in the middle of a response.
            log.error("The token issuer's keys cannot be fetched: %s", error)
            self._failed = True
            self._ask_again_at = self._clock() + RETRY_SECONDS
            return
        self._failed = False
        self._ask_again_at = self._clock() + REFETCH_SECONDS
        self._keys = {jwk.key_id: jwk.key for jwk in found.keys}
