"""What the rules ask of a driver, one action at a time, and how its answer comes back.

A rule is a generator: it yields an action, is sent the reply, and returns its result. A driver
raises NetworkError, and what the file raises, inside of it.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from broker_client.bodies import Body

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request; the reply is an Answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body = b""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Give Retry-After in seconds; None where it is not there, or cannot be read.

        A date, as proxies write it, is counted from the answer's own: this clock may be wrong.
        """
        after = self.headers.get("retry-after", "")
        if after.isdecimal():
            return float(after)
        until, since = _time(after), _time(self.headers.get("date", ""))
        if until is None:
            return None
        return max(0.0, (until - (since or datetime.now(UTC))).total_seconds())

    def json(self) -> Any:
        """Read the body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def _time(http_date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(http_date).replace(tzinfo=UTC)  # HTTP's dates are GMT
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Token:
    """Ask for the bearer token; `stale` is one that the broker calls expired."""

    stale: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """Call something that reads or writes files; the reply is what it returns."""

    act: Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class Together:
    """Run rules beside each other, `limit` at a time; the reply is the list of their results.

    The first error ends the others and is raised.
    """

    steps: Sequence[Generator[Any, Any, Any]]
    limit: int


Action = Request | Token | Wait | Run | Together
Steps = Generator[Action, Any, T]


def ask(request: Request) -> Steps[Answer]:
    """Send one request; raises NetworkError."""
    answer: Answer = yield request
    return answer


def run(act: Callable[[], T]) -> Steps[T]:
    """Call something that touches the disk."""
    result: T = yield Run(act=act)
    return result


def together(steps: Sequence[Generator[Action, Any, T]], limit: int) -> Steps[list[T]]:
    """Run rules beside each other."""
    results: list[T] = yield Together(steps=steps, limit=limit)
    return results
