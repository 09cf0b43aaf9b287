"""Where requests are counted: one counter for each policy and caller, in fixed windows.

A window begins with a caller's first request and ends by itself. Redis and Valkey count for any
number of processes; memory for one alone, which is `broker dev`. No Flask here, and no policy.
"""

import time
from collections.abc import Sequence
from typing import Protocol

from limits.storage import MemoryStorage

from broker.api.rate_limits.counts import Count, whole_seconds


class Store(Protocol):
    """Counts."""

    def count(self, keys: Sequence[str], windows: Sequence[int]) -> list[Count]:
        """Add one to each key, whose window is so many seconds; raises StoreUnavailable."""

    def check(self) -> None:
        """Do one round trip; raises StoreUnavailable."""


def make_store(url: str) -> Store:
    """Make the store; no connection is opened yet."""
    if url == "memory://":
        return MemoryStore()
    # redis-py imports OpenTelemetry where that is installed, which is for whoever asks for it.
    from broker.api.rate_limits.redis_store import RedisStore

    return RedisStore(url)


class MemoryStore:
    """Counts for the one process that there is."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()

    def count(self, keys: Sequence[str], windows: Sequence[int]) -> list[Count]:
        """Add one to each key."""
        counted = []
        for key, window in zip(keys, windows, strict=True):
            used = self._storage.incr(key, window)
            left = self._storage.get_expiry(key) - time.time()
            counted.append(Count(used, whole_seconds(left * 1000)))
        return counted

    def check(self) -> None:
        """Do nothing: it is here."""
