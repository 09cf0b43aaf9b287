"""The requests of a page, with their preflights, as Chromium reports them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession


@dataclass(kw_only=True)
class Request:
    """A request: when it left the page and when it was answered, in seconds since the epoch."""

    method: str
    url: str
    preflight: bool
    began: float
    ended: float | None = None
    failed: str = ""


class Requests:
    """Records the requests of a page from now on."""

    def __init__(self, session: CDPSession) -> None:
        self._all: dict[str, Request] = {}
        self._clock = 0.0
        session.on("Network.requestWillBeSent", self._began)
        session.on("Network.loadingFinished", self._ended)
        session.on("Network.loadingFailed", self._ended)
        session.send("Network.enable")

    def all(self) -> Sequence[Request]:
        """Return the requests in their order."""
        return list(self._all.values())

    def of(self, method: str, part: str) -> Sequence[Request]:
        """Return the requests with this method, and with this text in their URL."""
        return [each for each in self._all.values() if each.method == method and part in each.url]

    def preflights(self) -> int:
        """Return how many preflights the browser has sent."""
        return sum(each.preflight for each in self._all.values())

    def _began(self, event: Mapping[str, Any]) -> None:
        # `timestamp` has another origin than `wallTime`; all events have it.
        self._clock = event["wallTime"] - event["timestamp"]
        request = event["request"]
        self._all[event["requestId"]] = Request(
            method=request["method"],
            url=request["url"],
            preflight=request["method"] == "OPTIONS",  # pages send none themselves
            began=event["wallTime"],
        )

    def _ended(self, event: Mapping[str, Any]) -> None:
        if (found := self._all.get(event["requestId"])) is not None:
            found.ended = event["timestamp"] + self._clock
            found.failed = event.get("errorText", "")
