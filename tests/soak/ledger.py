"""What was asked and what came back, by phase: every answer is either expected or written down.

Knows nothing of what the right answer is; that is the clients' to say.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

WRONG_MAX = 50  # of those that are kept whole; all are counted
# How long after a server is back its absence may still be told: requests under way wait as long.
AFTERMATH_SECONDS = 15.0


@dataclass
class Phase:
    """The figures of one phase; `lost` are answers that never came."""

    name: str
    begun: float
    ended: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def length(self) -> float:
        """Seconds from its beginning to its end, or to now."""
        return (self.ended or time.monotonic()) - self.begun

    @property
    def requests(self) -> int:
        """All that was asked of the API."""
        return sum(self.statuses[kind] for kind in ("ok", "503", "lost", "wrong"))

    def percentile(self, share: float) -> float:
        """Give the answer time that so many answers kept to, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass
class Outage:
    """From when until when something was away, and the last answer that told of it."""

    code: str
    begun: float
    ended: float = float("inf")
    told_last: float = 0.0

    def explains(self, begun: float, ended: float) -> bool:
        """Say whether a request between these times may have met it."""
        return ended >= self.begun and begun <= self.ended + AFTERMATH_SECONDS


class Ledger:
    """One run's figures."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.outages: list[Outage] = []
        self.wrong: list[str] = []
        self.journeys: Counter[str] = Counter()

    @property
    def phase(self) -> Phase:
        """The phase of this moment."""
        return self.phases[-1]

    def named(self, name: str) -> Phase:
        """Give a phase by its name."""
        return next(phase for phase in self.phases if phase.name == name)

    def begin(self, name: str) -> Phase:
        """End one phase and begin the next."""
        now = time.monotonic()
        if self.phases:
            self.phase.ended = now
        self.phases.append(Phase(name, now))
        return self.phase

    @contextmanager
    def outage(self, code: str) -> Iterator[Outage]:
        """Allow answers that say so while the block runs, and a little after."""
        found = Outage(code, time.monotonic())
        self.outages.append(found)
        yield found
        found.ended = time.monotonic()

    def answered(self, begun: float) -> None:
        """Count an answer that is as it must be."""
        self.phase.statuses["ok"] += 1
        self.phase.seconds.append(time.monotonic() - begun)

    def unavailable(self, begun: float, code: str, retry_after: str | None, what: str) -> None:
        """Count a 503: it must name what is away in that moment, and say when to ask again."""
        if retry_after is None or not retry_after.isdigit():
            self.complain(f"{what}: 503 {code} with Retry-After {retry_after}")
        elif not self._explained(code, begun):
            self.complain(f"{what}: 503 {code} while nothing was away")
        else:
            self.phase.statuses["503"] += 1

    def lost(self, begun: float, what: str) -> None:
        """Count a connection that broke: only a killed worker's may."""
        if self._explained("lost", begun):
            self.phase.statuses["lost"] += 1
        else:
            self.complain(f"{what} while no worker was killed")

    def complain(self, what: str) -> None:
        """Write down a wrong answer."""
        self.phase.statuses["wrong"] += 1
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{self.phase.name}: {what}")

    def upload(self, outcome: str) -> None:
        """Count what the bucket said to bytes: `sent`, `refused` or `away`."""
        self.phase.statuses[outcome] += 1

    def bucket_away(self, begun: float) -> bool:
        """Say whether a request to the bucket may have found it away."""
        return any(
            one.code == "storage_unavailable" and one.explains(begun, time.monotonic())
            for one in self.outages
        )

    def _explained(self, code: str, begun: float) -> bool:
        now = time.monotonic()
        for one in self.outages:
            if one.code == code and one.explains(begun, now):
                one.told_last = now
                return True
        return False
