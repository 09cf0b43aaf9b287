"""Measure the sides in turn, A B A B, each after a warm-up, and summarise the samples."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement: requests per second, and the API's CPU seconds per request.

    `database_cpu` is that of a database server, in seconds per request.
    """

    rate: float
    cpu: float
    p50: float
    p99: float
    requests: int
    database_cpu: float | None = None


class Side(Protocol):
    """One of the servers or programs that are compared."""

    name: str

    def prepare(self) -> None:
        """Restore the data for the next measurement."""

    def measure(self) -> Sample:
        """Warm up, then measure."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The median, minimum and maximum of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of some values."""
        return cls(median=statistics.median(values), low=min(values), high=max(values))

    def scaled(self, factor: float) -> "Spread":
        """Return the spread multiplied by a factor."""
        return Spread(median=self.median * factor, low=self.low * factor, high=self.high * factor)

    def as_json(self) -> dict[str, Any]:
        """Return the fields for the JSON table."""
        return asdict(self)


class Samples:
    """The samples of each side, round by round."""

    def __init__(self) -> None:
        self._of: dict[str, list[Sample]] = {}

    def add(self, side: str, sample: Sample) -> None:
        """Add a sample."""
        self._of.setdefault(side, []).append(sample)

    def spread(self, side: str, of: Callable[[Sample], float]) -> Spread:
        """Return the spread of one value over a side's samples."""
        return Spread.of([of(sample) for sample in self._of[side]])

    def rate(self, side: str) -> Spread:
        """Return the requests per second."""
        return self.spread(side, lambda sample: sample.rate)

    def cpu(self, side: str) -> Spread:
        """Return the API's CPU seconds per request."""
        return self.spread(side, lambda sample: sample.cpu)

    def latency(self, side: str) -> tuple[float, float]:
        """Return p50 and p99 in seconds: for each, the median of the rounds."""
        samples = self._of[side]
        return (
            statistics.median(sample.p50 for sample in samples),
            statistics.median(sample.p99 for sample in samples),
        )

    def ratio(
        self, side: str, other: str, of: Callable[[Sample], float] = lambda sample: sample.rate
    ) -> Spread:
        """Return side divided by other, within each round, so that a slow phase affects both."""
        pairs = zip(self._of[side], self._of[other], strict=True)
        return Spread.of([of(mine) / of(theirs) for mine, theirs in pairs])


def interleave(sides: Sequence[Side], rounds: int) -> Samples:
    """Measure every side once per round; return the samples."""
    samples = Samples()
    for number in range(1, rounds + 1):
        for side in sides:
            side.prepare()
            sample = side.measure()
            say(f"  round {number}  {side.name}: {sample.rate:,.0f}/s")
            samples.add(side.name, sample)
    return samples


def say(line: str) -> None:
    """Print a progress line to standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
