"""Counts the answers of each phase and keeps every unexpected one.

The clients decide which answers are correct; this module only records them.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

WRONG_MAX = 50  # this many errors are kept in full; all are counted
# Requests that began during an outage may report it up to this many seconds after its end.
AFTERMATH_SECONDS = 15.0


@dataclass
class Phase:
    """The figures of one phase. `lost` counts requests without an answer."""

    name: str
    begun: float
    ended: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def length(self) -> float:
        """Seconds from the beginning of the phase to its end, or until now."""
        return (self.ended or time.monotonic()) - self.begun

    @property
    def requests(self) -> int:
        """The number of requests to the API."""
        return sum(self.statuses[kind] for kind in ("ok", "503", "lost", "wrong"))

    def percentile(self, share: float) -> float:
        """Return a percentile of the response times, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass
class Outage:
    """When a server was down, and when an answer last reported it."""

    code: str
    begun: float
    ended: float = float("inf")
    last_reported: float = 0.0

    def explains(self, begun: float, ended: float) -> bool:
        """Check whether a request between these times may have met the outage."""
        return ended >= self.begun and begun <= self.ended + AFTERMATH_SECONDS


class Ledger:
    """The records of one run."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.outages: list[Outage] = []
        self.wrong: list[str] = []
        self.journeys: Counter[str] = Counter()

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self.phases[-1]

    def named(self, name: str) -> Phase:
        """Return the phase with this name."""
        return next(phase for phase in self.phases if phase.name == name)

    def begin(self, name: str) -> Phase:
        """End the current phase and begin the next."""
        now = time.monotonic()
        if self.phases:
            self.phase.ended = now
        self.phases.append(Phase(name, now))
        return self.phase

    @contextmanager
    def outage(self, code: str) -> Iterator[Outage]:
        """Accept answers with this code while the block runs and for a short time after it."""
        found = Outage(code, time.monotonic())
        self.outages.append(found)
        yield found
        found.ended = time.monotonic()

    def answered(self, begun: float) -> None:
        """Count a correct answer."""
        self.phase.statuses["ok"] += 1
        self.phase.seconds.append(time.monotonic() - begun)

    def unavailable(self, begun: float, code: str, retry_after: str | None, what: str) -> None:
        """Count a 503. It must name a server that is down and have a Retry-After."""
        if retry_after is None or not retry_after.isdigit():
            self.record_error(f"{what}: 503 {code} with Retry-After {retry_after}")
        elif not self._explained(code, begun):
            self.record_error(f"{what}: 503 {code} while nothing was away")
        else:
            self.phase.statuses["503"] += 1

    def lost(self, begun: float, what: str) -> None:
        """Count a broken connection. Only a killed worker may cause one."""
        if self._explained("lost", begun):
            self.phase.statuses["lost"] += 1
        else:
            self.record_error(f"{what} while no worker was killed")

    def record_error(self, what: str) -> None:
        """Record a wrong answer."""
        self.phase.statuses["wrong"] += 1
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{self.phase.name}: {what}")

    def upload(self, outcome: str) -> None:
        """Count how the bucket answered an upload: `sent`, `refused` or `away`."""
        self.phase.statuses[outcome] += 1

    def bucket_away(self, begun: float) -> bool:
        """Check whether the bucket may have been down during a request."""
        return any(
            one.code == "storage_unavailable" and one.explains(begun, time.monotonic())
            for one in self.outages
        )

    def _explained(self, code: str, begun: float) -> bool:
        now = time.monotonic()
        for one in self.outages:
            if one.code == code and one.explains(begun, now):
                one.last_reported = now
                return True
        return False
