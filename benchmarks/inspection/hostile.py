"""What hostile files cost the broker, each in a child process of its own."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inspection import sides
from benchmarks.rounds import Spread, say
from benchmarks.table import Line, Target
from tests.inspection.hostile import FILES, HostileFile

# Milliseconds of CPU with the start of the process, and MiB above an idle child.
FROM_HEADER = (150, 32)
WHILE_DECODING = (500, 160)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one hostile file costs, and what became of it."""

    name: str
    size: int
    result: str
    milliseconds: float
    mebibytes: float
    limits: tuple[int, int] | None


def measure(directory: Path, rounds: int) -> tuple[list[Line], str]:
    """Return lines that compare the dearest file with the limits, and the table of all files."""
    costs = [_cost(name, file, directory, rounds) for name, file in FILES.items()]
    lines = []
    for what, limits in (("from the header", FROM_HEADER), ("while decoding", WHILE_DECODING)):
        of = [cost for cost in costs if cost.limits == limits]
        values = [("CPU", "ms", limits[0], [cost.milliseconds for cost in of])]
        values += [("memory above idle", "MiB", limits[1], [cost.mebibytes for cost in of])]
        for name, unit, limit, found in values:
            worst = max(found)
            lines.append(
                Line(
                    what=f"hostile files rejected {what}: largest {name}",
                    measured=Spread.of([worst]),
                    unit=unit,
                    beside="the limit",
                    other=Spread.of([limit]),
                    ratio=Spread.of([worst / limit]),
                    target=Target(at_most=1),
                    note=of[found.index(worst)].name,
                )
            )
    return lines, _table(costs)


def _cost(name: str, file: HostileFile, directory: Path, rounds: int) -> Cost:
    source = directory / "hostile"
    source.write_bytes(file.make())
    runs = [sides.broker(source, file.content_type, directory / "results") for _ in range(rounds)]
    rejected = runs[0].answer.get("rejected")
    limits = None if file.reason is None else FROM_HEADER if file.from_header else WHILE_DECODING
    cost = Cost(
        name=name,
        size=source.stat().st_size,
        result=rejected["reason"] if rejected else "cleaned",
        milliseconds=statistics.median(run.cpu for run in runs) * 1000,
        mebibytes=max(run.report["peak_kib"] - run.report["idle_kib"] for run in runs) / 1024,
        limits=limits,
    )
    say(f"  {name}: {cost.result}, {cost.milliseconds:.0f} ms, {cost.mebibytes:.0f} MiB")
    return cost


def _table(costs: list[Cost]) -> str:
    rows = [
        "| hostile file | bytes | result | CPU, ms | MiB above an idle child | limits |",
        "| --- | ---: | --- | ---: | ---: | --- |",
    ]
    for cost in costs:
        limits = f"{cost.limits[0]} ms, {cost.limits[1]} MiB" if cost.limits else ""
        rows.append(
            f"| {cost.name} | {cost.size} | {cost.result} | {cost.milliseconds:.0f}"
            f" | {cost.mebibytes:.0f} | {limits} |"
        )
    return "\n".join(rows)
