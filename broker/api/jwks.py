"""The issuer's published keys (RFC 7517), kept while the issuer is down."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from jwt import PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWKClientError, PyJWKError, PyJWKSetError

REFETCH_SECONDS = 60.0
FETCH_TIMEOUT_SECONDS = 3.0
log = logging.getLogger("broker.jwks")


class KeySet:
    """Keys by `kid`, fetched when an unknown one is asked for, at most once a minute.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_SECONDS)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._fetched_at: float | None = None

    def key(self, kid: str | None) -> Any | None:
        """Give the key, or None when the issuer has none of this name."""
        if kid in self._keys:
            return self._keys[kid]
        with self._lock:
            if kid not in self._keys and self._may_fetch():
                self._fetch()
        return self._keys.get(kid)

    def _may_fetch(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at >= REFETCH_SECONDS

    def _fetch(self) -> None:
        self._fetched_at = self._clock()
        try:
            found = PyJWKSet.from_dict(self._client.fetch_data())
        except (PyJWKClientError, PyJWKSetError, PyJWKError, ValueError) as error:
            log.error("The keys cannot be fetched: %s", error)
            return
        self._keys = {jwk.key_id: jwk.key for jwk in found.keys}
