"""Redis or Valkey, the store of the rate limits."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled
from tests.servers import START_TIMEOUT, start_on_free_port


@dataclass(frozen=True)
class Counters:
    """A running server. `stop` kills it; `start` starts a new one on the same port."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]
    pid: Callable[[], int | None]

    def client(self) -> "redis.Redis":
        """Return a client of the server."""
        return redis.Redis.from_url(self.url)


@contextlib.contextmanager
def counters() -> Iterator[Counters]:
    """Run an empty server without persistence; raise ServerNotInstalled."""
    binary = shutil.which("valkey-server") or shutil.which("redis-server")
    if binary is None:
        raise ServerNotInstalled("Redis is missing: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="counters-", ignore_cleanup_errors=True) as directory:

        def start(port: int) -> tuple[ChildProcess, Counters]:
            url = f"redis://{LOOPBACK}:{port}/0"
            child = ChildProcess(
                [binary, "--port", str(port), "--bind", LOOPBACK, "--save", ""],
                log_file=Path(directory) / "server.log",
                cwd=Path(directory),
                env={"PATH": os.defpath},
            )

            def up() -> None:
                child.start(lambda: _answers(url), START_TIMEOUT)

            up()
            return child, Counters(url, lambda: child.stop(grace=0), up, lambda: child.pid)

        child, server = start_on_free_port(start)
        try:
            yield server
        finally:
            child.stop(grace=0)


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
