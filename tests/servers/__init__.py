"""Real servers for the tests. Each is a context manager that starts it on a free port.

Their data is in a temporary directory. A missing program raises ServerNotInstalled;
`installed_or_skip` turns it into a skip on a laptop and a failure in CI.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from broker.local.process import PortTaken, ServerDied, ServerNotInstalled, free_ports

START_TIMEOUT = 60.0  # seconds, enough for a busy machine; each server needs about one
START_ATTEMPTS = 3

Started = TypeVar("Started")


@dataclass(frozen=True)
class S3Server:
    """The address of an S3 server, with credentials that allow everything.

    `private_key` may only read private files, in any bucket. None: a test creates one itself.
    `name` is its name in fixtures, marks and the report of abilities. `row` is the BROKER_S3_SERVER
    that the tests set. On SeaweedFS and MinIO it is "other", as in deployments that do not set it.
    """

    endpoint_url: str
    access_key: str
    secret_key: str
    pid: int | None
    private_key: tuple[str, str] | None = None
    name: str = "other"
    row: str = "other"


@dataclass(frozen=True)
class Webhook:
    """The URL where a server sends its notifications, and its bearer token."""

    url: str
    secret: str


@contextlib.contextmanager
def installed_or_skip() -> Iterator[None]:
    """Skip the test if its server is not installed; fail it if CI=true."""
    try:
        yield
    except ServerNotInstalled as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


def start_on_free_port(start: Callable[[int], Started]) -> Started:
    """Start a server on a free port; try another port if this one was taken in the meantime."""
    for _ in range(START_ATTEMPTS - 1):
        try:
            return start(free_ports(1)[0])
        except (PortTaken, ServerDied):
            continue
    return start(free_ports(1)[0])
