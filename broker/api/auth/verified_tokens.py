"""A cache of the tokens that this process has verified: a page sends one token many times."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache

from broker.domain.principal import Principal

TOKENS_MAX = 10_000
# Then the token is verified again and its user is looked up again, because a restored database
# may not have the user's row.
REMEMBERED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    until: float


class VerifiedTokens:
    """Principals by the SHA-256 of their token. The tokens themselves are not stored.

    Args:
        clock: Returns seconds since the epoch, like `exp`.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: TLRUCache[bytes, _Verified] = TLRUCache(
            TOKENS_MAX, ttu=lambda _key, verified, _now: verified.until, timer=clock
        )

    def recall(self, token: str) -> Principal | None:
        """Return the principal of a cached token, or None if it is unknown or has expired."""
        with self._lock:
            verified = self._found.get(_digest(token))
        return verified.principal if verified else None

    def remember(self, token: str, principal: Principal, exp: float) -> None:
        """Cache a token after its signature and claims are verified. `exp` is its claim."""
        until = min(exp, self._clock() + REMEMBERED_SECONDS)
        with self._lock:
            self._found[_digest(token)] = _Verified(principal, until)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
