"""Run a module of the benchmarks in a process of its own, and return its report."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.reports import read_report
from benchmarks.servers import ROOT


def report_of(
    module: str, *arguments: object, environment: Mapping[str, str], timeout: float = 120
) -> dict[str, Any]:
    """Return what the module passes to `write_report`.

    Args:
        module: the name of the module below `benchmarks`.
        arguments: those of its command line.
        environment: all of its environment.
        timeout: the longest run, in seconds.

    Raises:
        ChildFailed: it wrote no report.
    """
    ended = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return read_report(ended)
