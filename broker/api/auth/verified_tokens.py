"""A cache of verified tokens, because a page may request twenty tickets with one token.

It holds only claims of the tokens themselves, so processes do not have to share it.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache

from broker.domain.principal import Principal

TOKENS_MAX = 10_000
# After this time a token is verified again, and its user's row is created again if the database
# was restored from a backup without it.
REMEMBERED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    until: float


class VerifiedTokens:
    """Principals by the SHA-256 of their tokens; the tokens themselves are not stored.

    Args:
        clock: seconds since the epoch, like `exp`.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: TLRUCache[bytes, _Verified] = TLRUCache(
            TOKENS_MAX, ttu=lambda _key, verified, _now: verified.until, timer=clock
        )

    def recall(self, token: str) -> Principal | None:
        """Return the principal of a verified token; None if it is unknown or has expired."""
        with self._lock:
            verified = self._found.get(_digest(token))
        return verified.principal if verified else None

    def remember(self, token: str, principal: Principal, exp: float) -> None:
        """Store a verified token's principal until its `exp`, at most five minutes."""
        until = min(exp, self._clock() + REMEMBERED_SECONDS)
        with self._lock:
            self._found[_digest(token)] = _Verified(principal, until)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
