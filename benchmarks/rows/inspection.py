"""Inspections: the broker beside sharp and Pillow with the same outputs, and hostile files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.inspection import hostile, sides
from benchmarks.inspection.photos import make_photos
from benchmarks.inspection.sides import Run
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import plain
from benchmarks.table import Line, Section, Target

TITLE = "Inspecting an image"
TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".heic": "image/heic"}
# At most this share of sharp's CPU time.
SHARES = {"12 MP JPEG": 0.55, "48 MP JPEG": 0.30, "12 MP PNG": 0.60}
MILLISECONDS = {"12 MP HEIC": 1400}
MEBIBYTES = {"12 MP JPEG": 80, "48 MP JPEG": 80, "48 MP progressive JPEG": 350}
BROKER, SHARP, STAYING, PILLOW = "broker", "sharp", "sharp without its start", "Pillow"
WITHIN = Target(at_most=1)


def run(bench: Bench) -> Section:
    """Measure each photo with all sides in turn, and each hostile file with the broker."""
    say("  making photos")
    photos = make_photos(bench.directory / "photos")
    lines = []
    for name, path in photos.items():
        runs = _measured(bench, name, path)
        lines += _lines(name, runs)
    hostile_lines, text = hostile.measure(bench.directory, bench.plan.rounds)
    sizes = ", ".join(f"{name} {path.stat().st_size / 1e6:.1f} MB" for name, path in photos.items())
    return Section(title=TITLE, lines=lines + hostile_lines, text=f"Photos: {sizes}.\n\n{text}")


def _measured(bench: Bench, name: str, path: Path) -> dict[str, list[Run]]:
    """Return the runs of each side, one a round."""
    directory = bench.directory / "results"
    measure: dict[str, Callable[[], Run]] = {
        BROKER: partial(sides.broker, path, TYPES[path.suffix], directory)
    }
    if name in SHARES:
        measure[SHARP] = partial(sides.sharp, path, directory)
        measure[STAYING] = partial(sides.sharp, path, directory, times=sides.STAYING_TIMES)
        measure[PILLOW] = partial(sides.pillow, path, directory)
    runs: dict[str, list[Run]] = {side: [] for side in measure}
    for _ in range(bench.plan.rounds):
        for side, once in measure.items():
            runs[side].append(once())
    shown = ", ".join(f"{side} {_cpu(of).median:.0f} ms" for side, of in runs.items())
    say(f"  {name}: {shown}")
    return runs


def _lines(name: str, runs: dict[str, list[Run]]) -> list[Line]:
    mine = runs[BROKER]
    lines = []
    for side, theirs in runs.items():
        if side == BROKER:
            continue
        pairs = zip(_milliseconds(mine), _milliseconds(theirs), strict=True)
        lines.append(
            Line(
                what=f"{name}: CPU time",
                measured=_cpu(mine),
                unit="ms",
                beside=side,
                other=_cpu(theirs),
                ratio=Spread.of([one / other for one, other in pairs]),
                target=Target(at_most=SHARES[name]) if side == SHARP else None,
                note=_peaks(runs) if side == SHARP else "",
            )
        )
    if name in MILLISECONDS:
        lines.append(within(f"{name}: CPU time", _cpu(mine), "ms", MILLISECONDS[name]))
    if name in MEBIBYTES:
        peak = Spread.of([one.report["peak_kib"] / 1024 for one in mine])
        lines.append(within(f"{name}: peak memory", peak, "MiB", MEBIBYTES[name]))
    return lines


def within(what: str, measured: Spread, unit: str, limit: float) -> Line:
    """Return a line that compares a value with a fixed limit."""
    return Line(
        what=what,
        measured=measured,
        unit=unit,
        beside="the limit",
        other=plain(limit),
        ratio=measured.scaled(1 / limit),
        target=WITHIN,
    )


def _milliseconds(runs: list[Run]) -> list[float]:
    """Return the CPU time of each run; of a process that stays, that of its later files."""
    staying = [min(run.report.get("seconds", [0])[1:], default=0) for run in runs]
    return [1000 * (stays or run.cpu) for run, stays in zip(runs, staying, strict=True)]


def _cpu(runs: list[Run]) -> Spread:
    return Spread.of(_milliseconds(runs))


def _peaks(runs: dict[str, list[Run]]) -> str:
    peaks = [
        f"{side} {max(run.report['peak_kib'] for run in of) / 1024:.0f} MiB"
        for side, of in runs.items()
    ]
    return "peak memory: " + ", ".join(peaks)
