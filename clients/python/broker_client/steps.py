"""The steps of an upload, without I/O: generators yield actions, a runner runs them.

A generator yields an action, receives the reply, and returns its result. The runner throws
NetworkError, and the OSErrors of a file, into the generator:

    def ask_twice(request: Request) -> Steps[Answer]:
        answer = yield request
        if answer.status == 503:
            yield Wait(seconds=1)
            answer = yield request
        return answer
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from broker_client.bodies import Body
from broker_client.owners import Owner

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Send one HTTP request. The reply is an Answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body = b""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A server's answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Return Retry-After in seconds, or None if it is missing or not valid.

        Some proxies send a date. It is compared with the answer's own date, because this machine's
        clock may be wrong.
        """
        after = self.headers.get("retry-after", "")
        if after.isdecimal():
            return float(after)
        until, since = _time(after), _time(self.headers.get("date", ""))
        if until is None:
            return None
        return max(0.0, (until - (since or datetime.now(UTC))).total_seconds())

    def json(self) -> Any:
        """Return the body's JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def _time(http_date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(http_date).replace(tzinfo=UTC)  # HTTP dates are in GMT
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Token:
    """Get the bearer token for requests about an owner. `stale` was refused with 401."""

    owner: Owner | None = None
    stale: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """Call a function that reads or writes files. The reply is its return value."""

    act: Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class Together:
    """Run several generators concurrently, `limit` at a time. The reply is the list of results.

    The first error stops the others and is raised.
    """

    steps: Sequence[Generator[Any, Any, Any]]
    limit: int


Action = Request | Token | Wait | Run | Together
Steps = Generator[Action, Any, T]


def ask(request: Request) -> Steps[Answer]:
    """Send one request.

    Raises:
        NetworkError: there was no answer.
    """
    answer: Answer = yield request
    return answer


def run(act: Callable[[], T]) -> Steps[T]:
    """Call a function that reads or writes files."""
    result: T = yield Run(act=act)
    return result


def together(steps: Sequence[Generator[Action, Any, T]], limit: int) -> Steps[list[T]]:
    """Run several generators concurrently."""
    results: list[T] = yield Together(steps=steps, limit=limit)
    return results
