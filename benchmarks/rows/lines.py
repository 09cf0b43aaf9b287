"""Lines that several rows share: rates with the CPU beside them, the CPU alone, limits."""

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.rounds import Sample, Samples, Spread
from benchmarks.table import Line, Target

MICROSECONDS = 1e6
LARGE = Target(at_least=0.9)
WITHIN = Target(at_most=1)


def side_name(kind: str, uploads: int) -> str:
    """Return the name of a broker's side."""
    return f"{kind}, {spaced(uploads)} uploads"


def spaced(count: int) -> str:
    """Return a count with spaces between the thousands."""
    return f"{count:,}".replace(",", " ")


def smallest(bench: Bench) -> int:
    """Return the database size for comparisons with peers."""
    return min(bench.plan.sizes)


def sizes(bench: Bench, samples: Samples, what: str, unit: str, factor: float = 1) -> list[Line]:
    """Return a line for each size, with its rate compared with that of the smallest."""
    small = smallest(bench)
    largest = max(bench.plan.sizes)
    lines = []
    for kind in bench.plan.kinds:
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
                    cpu=cpu_each(samples, mine, factor),
                    other_cpu=cpu_each(samples, base, factor),
                    note=_database_cpu(samples, mine, base),
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
    """Return a line that compares two rates, with the CPU of each item.

    The factors are the number of items in one request.
    """
    return Line(
        what=f"{what}: {side}",
        measured=samples.rate(side).scaled(factor),
        unit=unit,
        beside=other,
        other=samples.rate(other).scaled(other_factor),
        ratio=samples.ratio(side, other).scaled(factor / other_factor),
        target=target,
        note=_latency(samples, side) if target else "",
        cpu=cpu_each(samples, side, factor),
        other_cpu=cpu_each(samples, other, other_factor),
    )


def cpu(samples: Samples, what: str, side: str, other: str, target: Target | None = None) -> Line:
    """Return a line that compares the API's CPU time per request."""
    return Line(
        what=f"{what}, API's CPU: {side}",
        measured=cpu_each(samples, side),
        unit="µs a request",
        beside=other,
        other=cpu_each(samples, other),
        ratio=samples.ratio(side, other, cpu_of),
        target=target,
    )


def cpu_each(samples: Samples, side: str, factor: float = 1) -> Spread:
    """Return the microseconds of a server's CPU for each item of its rate."""
    return samples.cpu(side).scaled(MICROSECONDS / factor)


def compared(
    what: str,
    beside: str,
    *,
    unit: str,
    mine: Sequence[float],
    theirs: Sequence[float],
    target: Target | None = None,
    note: str = "",
) -> Line:
    """Return a line that compares the values of two sides, within each round."""
    return Line(
        what=what,
        measured=Spread.of(mine),
        unit=unit,
        beside=beside,
        other=Spread.of(theirs),
        ratio=Spread.of([one / other for one, other in zip(mine, theirs, strict=True)]),
        target=target,
        note=note,
    )


def within(what: str, measured: Spread, unit: str, limit: float, note: str = "") -> Line:
    """Return a line that compares a value with a fixed limit."""
    return Line(
        what=what,
        measured=measured,
        unit=unit,
        beside="the limit",
        other=plain(limit),
        ratio=measured.scaled(1 / limit),
        target=WITHIN,
        note=note,
    )


def time_of(sample: Sample) -> float:
    """Return the seconds per request at this concurrency."""
    return 1 / sample.rate


def cpu_of(sample: Sample) -> float:
    """Return the API's CPU seconds per request."""
    return sample.cpu


def alone(samples: Samples, what: str, sides: Sequence[str]) -> list[Line]:
    """Return lines with rates that are not compared with another rate."""
    return [
        Line(
            what=f"{what}: {side}",
            measured=samples.rate(side),
            unit="/s",
            note=_latency(samples, side),
            cpu=cpu_each(samples, side),
        )
        for side in sides
    ]


def _database_cpu(samples: Samples, side: str, other: str) -> str:
    """Return the CPU time of the database server beside that with another table."""
    try:
        mine, its = (
            samples.spread(name, _of_database).scaled(MICROSECONDS) for name in (side, other)
        )
    except LookupError:
        return ""
    return f"the database server's CPU: {mine.median:.0f} µs a request, beside {its.median:.0f} µs"


def _of_database(sample: Sample) -> float:
    if sample.database_cpu is None:
        raise LookupError("this side has no database server")
    return sample.database_cpu


def _latency(samples: Samples, side: str) -> str:
    p50, p99 = samples.latency(side)
    return f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"


def plain(value: float) -> Spread:
    """Return the spread of a single value."""
    return Spread.of([value])
