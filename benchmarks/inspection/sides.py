"""Run one side on one file; return its CPU time and its peak memory."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reports import MARK, ChildFailed
from benchmarks.servers import ROOT
from broker.inspection.confinement import child_limits
from broker.inspection.inspected import Request
from broker.inspection.task import Task
from broker.inspection.variants import EFFORT, QUALITY

SHARP = ROOT / "benchmarks/sharp"
WIDTHS = (320, 800, 1600)
MAX_PIXELS, MAX_FRAMES = 100_000_000, 300  # the defaults of the settings
STAYING_TIMES = 4
_TIMEOUT = 120


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a side.

    Attributes:
        cpu: seconds of user and system time, from the start of the process to its end.
        working: seconds of the work alone, of the best file if there were several.
        report: what the side says about itself; `peak_kib` is its peak memory.
        answer: what the broker's child answered.
    """

    cpu: float
    working: float
    report: dict[str, Any]
    answer: dict[str, Any]


def broker(source: Path, content_type: str, directory: Path) -> Run:
    """Inspect a file as the worker does, in a confined child process."""
    request = Request(
        source=source,
        directory=_empty(directory),
        content_type=content_type,
        max_pixels=MAX_PIXELS,
        max_frames=MAX_FRAMES,
        variant_widths=WIDTHS,
    )
    task = Task(
        parent=os.getpid(), directory=directory, limits=child_limits(request), request=request
    )
    argv = [sys.executable, "-B", "-m", "benchmarks.inspection.child"]
    return _run(argv, task.to_json())


def sharp(source: Path, directory: Path, *, times: int = 1) -> Run:
    """Do the same work with sharp, several times in one process."""
    node = shutil.which("node") or "node"
    return _run([node, str(SHARP / "inspect.mjs"), *_options(source, directory), str(times)])


def pillow(source: Path, directory: Path) -> Run:
    """Do the same work with Pillow."""
    module = "benchmarks.inspection.pillow_side"
    return _run([sys.executable, "-m", module, *_options(source, directory)])


def _options(source: Path, directory: Path) -> list[str]:
    widths = ",".join(map(str, WIDTHS))
    return [str(source), str(_empty(directory)), str(QUALITY), str(EFFORT), widths]


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _run(argv: Sequence[str], task: bytes = b"") -> Run:
    before = _children_cpu()
    ended = subprocess.run(
        argv, input=task, cwd=ROOT, capture_output=True, timeout=_TIMEOUT, check=False
    )
    cpu = _children_cpu() - before
    output = ended.stdout + b"\n" + ended.stderr
    reports = [line for line in output.decode().splitlines() if line.startswith(MARK)]
    if ended.returncode != 0 or len(reports) != 1:
        raise ChildFailed(f"{argv[-8:]}, status {ended.returncode}: {output.decode()[-3000:]}")
    report: dict[str, Any] = json.loads(reports[0].removeprefix(MARK))
    return Run(
        cpu=cpu,
        working=min(report.get("seconds", [cpu])),
        report=report,
        answer=json.loads(ended.stdout) if task else {},
    )


def _children_cpu() -> float:
    """Return the CPU seconds of all ended children. The servers of other rows still run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
