"""Real servers for the tests, each a context manager: started on free ports, stopped, forgotten.

Their data live in a temporary directory. A server whose program is missing raises
ServerNotInstalled; `installed_or_skip` makes of it a skip on a laptop and a failure in CI.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from broker.local.process import PortTaken, ServerDied, ServerNotInstalled, free_ports

START_TIMEOUT = 60.0  # seconds, for a machine under load; each server needs about one
START_ATTEMPTS = 3

Started = TypeVar("Started")


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server listens, with credentials that may do everything; path addressing."""

    endpoint_url: str
    access_key: str
    secret_key: str
    pid: int | None


@dataclass(frozen=True)
class Webhook:
    """Where a server sends its notifications, and the bearer that it brings."""

    url: str
    secret: str


@contextlib.contextmanager
def installed_or_skip() -> Iterator[None]:
    """Skip the test when its server is not installed; where CI=true, fail it."""
    try:
        yield
    except ServerNotInstalled as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


def start_on_free_port(start: Callable[[int], Started]) -> Started:
    """Start a server on a free port; should another process take that port first, on another."""
    for _ in range(START_ATTEMPTS - 1):
        try:
            return start(free_ports(1)[0])
        except (PortTaken, ServerDied):
            continue
    return start(free_ports(1)[0])
