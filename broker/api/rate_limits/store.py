"""Stores that count requests: one counter for each policy and caller, in fixed windows.

A window begins with the caller's first request. Redis and Valkey count for any number of processes.
Memory counts for one process, and is used by `broker dev`. This module does not use Flask.
"""

import time
from collections.abc import Sequence
from typing import Protocol

from limits.storage import MemoryStorage

from broker.api.rate_limits.counts import Count, whole_seconds


class Store(Protocol):
    """A store of counters."""

    def count(self, keys: Sequence[str], windows: Sequence[int]) -> list[Count]:
        """Add one to each key. `windows` has the seconds of each key's window.

        Raises:
            StoreUnavailable: the store does not respond; nothing was counted.
        """

    def check(self) -> None:
        """Do one round trip; raise StoreUnavailable if it fails."""


def make_store(url: str) -> Store:
    """Create the store of a URL. It opens no connection."""
    if url == "memory://":
        return MemoryStore()
    # Imported late: redis-py imports OpenTelemetry if that is installed.
    from broker.api.rate_limits.redis_store import RedisStore

    return RedisStore(url)


class MemoryStore:
    """A store in the memory of this process."""

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
        """Do nothing: memory is always available."""
