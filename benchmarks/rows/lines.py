"""Lines that several rows have: a rate beside a peer's, CPU, and the rate in large tables."""

from collections.abc import Sequence

from benchmarks.bench import KINDS, Bench
from benchmarks.rounds import Sample, Samples, Spread
from benchmarks.table import Line, Target

MICROSECONDS = 1e6
LARGE = Target(at_least=0.9)


def side_name(kind: str, uploads: int) -> str:
    """Name the side of a broker."""
    return f"{kind}, {spaced(uploads)} uploads"


def spaced(count: int) -> str:
    """Write a count with its thousands apart."""
    return f"{count:,}".replace(",", " ")


def smallest(bench: Bench) -> int:
    """Give the size at which the broker is compared with its peers."""
    return min(bench.plan.sizes)


def sizes(bench: Bench, samples: Samples, what: str, unit: str, factor: float = 1) -> list[Line]:
    """Give a line a size, its rate beside that of the smallest."""
    small = smallest(bench)
    largest = max(bench.plan.sizes)
    lines = []
    for kind in KINDS:
        for uploads in bench.plan.sizes:
            if uploads == small:
                continue
            mine, base = side_name(kind, uploads), side_name(kind, small)
            lines.append(
                Line(
                    what=f"{what}: {mine}",
                    measured=samples.rate(mine).scaled(factor),
                    unit=unit,
                    beside=base,
                    other=samples.rate(base).scaled(factor),
                    ratio=samples.ratio(mine, base),
                    target=LARGE if uploads == largest else None,
                )
            )
    return lines


def rate(
    samples: Samples,
    what: str,
    side: str,
    other: str,
    target: Target | None = None,
    *,
    unit: str = "/s",
    factor: float = 1,
    other_factor: float = 1,
) -> Line:
    """Compare two rates; the factors are what one request counts for."""
    return Line(
        what=f"{what}: {side}",
        measured=samples.rate(side).scaled(factor),
        unit=unit,
        beside=other,
        other=samples.rate(other).scaled(other_factor),
        ratio=samples.ratio(side, other).scaled(factor / other_factor),
        target=target,
        note=_latency(samples, side) if target else "",
    )


def cpu(samples: Samples, what: str, side: str, other: str, target: Target | None = None) -> Line:
    """Compare the API's CPU a request."""
    return Line(
        what=f"{what}, API's CPU: {side}",
        measured=samples.cpu(side).scaled(MICROSECONDS),
        unit="µs a request",
        beside=other,
        other=samples.cpu(other).scaled(MICROSECONDS),
        ratio=samples.ratio(side, other, cpu_of),
        target=target,
    )


def time_of(sample: Sample) -> float:
    """Give what one request takes, at this many at once."""
    return 1 / sample.rate


def cpu_of(sample: Sample) -> float:
    """Give what one request costs the API."""
    return sample.cpu


def alone(samples: Samples, what: str, sides: Sequence[str]) -> list[Line]:
    """Give rates beside nothing."""
    return [
        Line(
            what=f"{what}: {side}",
            measured=samples.rate(side),
            unit="/s",
            note=f"{_latency(samples, side)};"
            f" {samples.cpu(side).median * MICROSECONDS:.0f} µs of the API's CPU each",
        )
        for side in sides
    ]


def _latency(samples: Samples, side: str) -> str:
    p50, p99 = samples.latency(side)
    return f"half of the requests within {p50 * 1000:.1f} ms, 99 of 100 within {p99 * 1000:.1f} ms"


def plain(value: float) -> Spread:
    """Give a value that was measured once."""
    return Spread.of([value])
