"""Tokens that this process has verified: a page asks for twenty tickets with one token.

What is remembered is what the token itself says, so it matters to no other process.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TLRUCache

from broker.domain.principal import Principal

TOKENS_MAX = 10_000
# After that a token is verified anew, and its user's row looked for: a database may have been
# restored from before it was made.
REMEMBERED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    until: float


class VerifiedTokens:
    """Principals by their tokens' SHA-256; the tokens themselves are not kept.

    Args:
        clock: seconds since the epoch, as `exp` counts them.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: TLRUCache[bytes, _Verified] = TLRUCache(
            TOKENS_MAX, ttu=lambda _key, verified, _now: verified.until, timer=clock
        )

    def recall(self, token: str) -> Principal | None:
        """Give the principal of a token that was verified and has not expired since."""
        with self._lock:
            verified = self._found.get(_digest(token))
        return verified.principal if verified else None

    def remember(self, token: str, principal: Principal, exp: float) -> None:
        """Keep a token whose signature and claims have been verified; `exp` is its claim."""
        until = min(exp, self._clock() + REMEMBERED_SECONDS)
        with self._lock:
            self._found[_digest(token)] = _Verified(principal, until)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
