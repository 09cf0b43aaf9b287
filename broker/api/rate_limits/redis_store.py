"""Counts of requests in Redis or Valkey; imported where one is configured alone."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from limits.errors import ConfigurationError
from limits.storage import RedisStorage, storage_from_string
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError
from redis.retry import Retry

from broker.api.rate_limits.counts import Count, StoreUnavailable, whole_seconds
from broker.config import SettingsError

# A store that does not answer may delay a request by this much, and only one in RETRY_SECONDS.
TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 5.0
# One round trip whatever the number of counters. What has no expiry would never end, so it gets
# one, whoever has written it.
_COUNT = """
local counted = {}
for i, key in ipairs(KEYS) do
  local used = redis.call('INCR', key)
  local left = redis.call('PTTL', key)
  if left < 0 then
    left = tonumber(ARGV[i])
    redis.call('PEXPIRE', key, left)
  end
  counted[2 * i - 1] = used
  counted[2 * i] = left
end
return counted
"""
log = logging.getLogger("broker.rate_limits")


class RedisStore:
    """Counts in Redis or Valkey, which speak one protocol."""

    def __init__(self, url: str) -> None:
        try:
            self._client = _client(url)
        except (ConfigurationError, RedisError, TypeError, ValueError):
            # What they say would show the URL, and a password in it.
            raise SettingsError(
                "BROKER_RATE_LIMIT_STORAGE_URL: redis-py takes no such address or option"
            ) from None
        self._script = self._client.register_script(_COUNT.encode())
        self._asked_again_at = 0.0
        self._away = False

    def count(self, keys: Sequence[str], windows: Sequence[int]) -> list[Count]:
        """Add one to each key, all in one round trip."""
        now = time.monotonic()
        if self._away:
            if now < self._asked_again_at:
                raise StoreUnavailable
            self._asked_again_at = now + RETRY_SECONDS  # this request asks, the others go on
        try:
            found = self._script(keys, [window * 1000 for window in windows])
        except RedisError as error:
            self._asked_again_at = now + RETRY_SECONDS
            if isinstance(error, ReadOnlyError):
                # It was the primary once: kept, such a connection would count nothing for ever.
                self._client.connection_pool.disconnect(inuse_connections=False)
            if not self._away:
                self._away = True
                # The type alone: its text may name the URL, and so a password.
                log.error("the store of the rate limits is away: %s", type(error).__name__)
            raise StoreUnavailable from error
        if self._away:
            self._away = False
            log.warning("the store of the rate limits is back")
        pairs = zip(found[::2], found[1::2], strict=True)
        return [Count(used, whole_seconds(left)) for used, left in pairs]

    def check(self) -> None:
        """Do one round trip."""
        try:
            self._client.ping()
        except RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error


def _client(url: str) -> Any:
    # limits takes care of `rediss://`, `redis+unix://` and `redis+sentinel://`.
    storage = storage_from_string(
        url.replace("valkey", "redis", 1),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # Once more at once: a connection of the pool may be one that the server has closed.
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # handed on to redis-py
    )
    assert isinstance(storage, RedisStorage)  # noqa: S101 - Settings allow nothing else
    client: Any = storage.get_connection()
    # Options of the URL are looked at when a connection is made; this one is never opened.
    client.connection_pool.make_connection()
    return client
