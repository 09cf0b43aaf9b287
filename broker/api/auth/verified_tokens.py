"""A cache of verified tokens, because a page may request twenty tickets with one token.

It holds only claims of the tokens themselves, so processes do not have to share it.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cachetools import TLRUCache

from broker.api.auth.signing_keys import SigningKeys
from broker.domain.principal import Principal

# Two grants count as a further token, because they take as much memory: about a kilobyte.
TOKENS_MAX = 10_000
# After this time a token is verified again, and its user's row is created again if the database
# was restored from a backup without it.
REMEMBERED_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    until: float
    signing_key: tuple[str | None, Any]  # its kid, and the key


class VerifiedTokens:
    """Principals by the SHA-256 of their tokens; the tokens themselves are not stored.

    Args:
        clock: seconds since the epoch, like `exp`.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: TLRUCache[bytes, _Verified] = TLRUCache(
            TOKENS_MAX,
            ttu=lambda _key, verified, _now: verified.until,
            timer=clock,
            getsizeof=_size,
        )

    def recall(self, token: str, keys: SigningKeys) -> Principal | None:
        """Return the principal of a verified token.

        Return None if the token is unknown, has expired, or its key is no longer trusted.
        """
        with self._lock:
            verified = self._found.get(_digest(token))
        if verified is None or not keys.holds(*verified.signing_key):
            return None
        return verified.principal

    def remember(
        self, token: str, principal: Principal, exp: float, signing_key: tuple[str | None, Any]
    ) -> None:
        """Store a verified token's principal until its `exp`, at most five minutes."""
        until = min(exp, self._clock() + REMEMBERED_SECONDS)
        with self._lock:
            self._found[_digest(token)] = _Verified(principal, until, signing_key)


def _size(verified: _Verified) -> int:
    return 1 + len(verified.principal.grants.actions) // 2


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
