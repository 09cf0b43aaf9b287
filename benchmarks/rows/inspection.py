"""Inspections: the broker beside sharp and Pillow with the same outputs, and hostile files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.inspection import hostile, sides
from benchmarks.inspection.photos import make_photos
from benchmarks.inspection.sides import Run
from benchmarks.rounds import Spread, say
from benchmarks.rows.lines import compared, within
from benchmarks.table import Line, Section, Target

TITLE = "Inspecting an image"
TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".heic": "image/heic"}
# At most this share of sharp's CPU time, with and without the start of the processes.
SHARES = {"12 MP JPEG": 0.55, "48 MP JPEG": 0.30, "12 MP PNG": 0.60}
MILLISECONDS = {"12 MP HEIC": 1400}
MEBIBYTES = {"12 MP JPEG": 80, "48 MP JPEG": 80, "48 MP progressive JPEG": 350}
BROKER, SHARP, PILLOW = "broker", "sharp", "Pillow"
STAYING = "sharp, one process for all files"


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
    if name in SHARES:
        share = Target(at_most=SHARES[name])
        lines = [
            _beside(f"{name}: CPU", mine, SHARP, runs, share),
            _beside(f"{name}: CPU without the start", mine, STAYING, runs, share, of=_working),
            _beside(f"{name}: CPU", mine, PILLOW, runs),
        ]
    if name in MILLISECONDS:
        lines.append(within(f"{name}: CPU", _cpu(mine), "ms", MILLISECONDS[name]))
    if name in MEBIBYTES:
        peak = Spread.of([one.report["peak_kib"] / 1024 for one in mine])
        lines.append(within(f"{name}: peak memory", peak, "MiB", MEBIBYTES[name], _peaks(runs)))
    return lines


def _total(run: Run) -> float:
    return run.cpu * 1000


def _working(run: Run) -> float:
    return run.working * 1000


def _cpu(runs: list[Run]) -> Spread:
    return Spread.of([_total(run) for run in runs])


def _beside(
    what: str,
    mine: list[Run],
    side: str,
    runs: dict[str, list[Run]],
    target: Target | None = None,
    *,
    of: Callable[[Run], float] = _total,
) -> Line:
    """Return a line that compares the broker's milliseconds with those of another side."""
    return compared(
        what,
        side,
        unit="ms",
        mine=[of(one) for one in mine],
        theirs=[of(one) for one in runs[side]],
        target=target,
    )


def _peaks(runs: dict[str, list[Run]]) -> str:
    peaks = [
        f"{side} {max(run.report['peak_kib'] for run in of) / 1024:.0f} MiB"
        for side, of in runs.items()
    ]
    return ", ".join(peaks)
