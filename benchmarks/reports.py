"""Pass a report from a child process as one line of JSON."""

import json
import subprocess
import sys
from typing import Any

MARK = "REPORT "


class ChildFailed(Exception):
    """The child process wrote no report."""


def write_report(report: dict[str, Any]) -> None:
    """Write the report to standard output."""
    sys.stdout.write(MARK + json.dumps(report) + "\n")


def read_report(ended: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return the report of a child process; raise ChildFailed with its output if there is none."""
    lines = [line for line in ended.stdout.splitlines() if line.startswith(MARK)]
    if ended.returncode != 0 or len(lines) != 1:
        raise ChildFailed(
            f"status {ended.returncode}: {ended.stdout[-2000:]}{ended.stderr[-4000:]}"
        )
    report: dict[str, Any] = json.loads(lines[0].removeprefix(MARK))
    return report
