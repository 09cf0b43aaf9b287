"""Count requests in Redis or Valkey. This is imported only if one is configured."""

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

# While the store does not respond, one request in RETRY_SECONDS waits for this long.
TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 5.0
# One round trip for any number of counters. A counter without an expiry would never end, so it
# gets one, even if another program wrote it.
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
    """A store in Redis or Valkey, which have the same protocol."""

    def __init__(self, url: str) -> None:
        try:
            self._client = _client(url)
        except (ConfigurationError, RedisError, TypeError, ValueError):
            # Their messages may contain the URL with its password.
            raise SettingsError(
                "BROKER_RATE_LIMIT_STORAGE_URL: redis-py does not accept this address or option"
            ) from None
        self._script = self._client.register_script(_COUNT.encode())
        self._asked_again_at = 0.0
        self._away = False

    def count(self, keys: Sequence[str], windows: Sequence[int]) -> list[Count]:
        """Add one to each key in one round trip."""
        now = time.monotonic()
        if self._away:
            if now < self._asked_again_at:
                raise StoreUnavailable
            # Only this request tries again. Other requests do not wait.
            self._asked_again_at = now + RETRY_SECONDS
        try:
            found = self._script(keys, [window * 1000 for window in windows])
        except RedisError as error:
            self._asked_again_at = now + RETRY_SECONDS
            if isinstance(error, ReadOnlyError):
                # The server is no longer the primary. Its connections would fail forever.
                self._client.connection_pool.disconnect(inuse_connections=False)
            if not self._away:
                self._away = True
                # Only the type: the message may contain the URL with its password.
                log.error("the store of the rate limits is away: %s", type(error).__name__)
            raise StoreUnavailable from error
        if self._away:
            self._away = False
            log.warning("the store of the rate limits is back")
        pairs = zip(found[::2], found[1::2], strict=True)
        return [Count(used, whole_seconds(left)) for used, left in pairs]

    def check(self) -> None:
        """Do one round trip (PING)."""
        try:
            self._client.ping()
        except RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error


def _client(url: str) -> Any:
    # `limits` handles `rediss://`, `redis+unix://` and `redis+sentinel://`.
    storage = storage_from_string(
        url.replace("valkey", "redis", 1),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # One immediate retry: the server may have closed a pooled connection.
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # handed on to redis-py
    )
    assert isinstance(storage, RedisStorage)  # noqa: S101 - Settings allow nothing else
    client: Any = storage.get_connection()
    # Create a connection to check the options of the URL. The connection is not opened.
    client.connection_pool.make_connection()
    return client
