"""What a child process says in one line of JSON."""

import json
import subprocess
import sys
from typing import Any

MARK = "REPORT "


class ChildFailed(Exception):
    """The child said nothing."""


def write_report(report: dict[str, Any]) -> None:
    """Say it."""
    sys.stdout.write(MARK + json.dumps(report) + "\n")


def read_report(ended: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Hear it; raises ChildFailed with what the child said instead."""
    lines = [line for line in ended.stdout.splitlines() if line.startswith(MARK)]
    if ended.returncode != 0 or len(lines) != 1:
        raise ChildFailed(
            f"status {ended.returncode}: {ended.stdout[-2000:]}{ended.stderr[-4000:]}"
        )
    report: dict[str, Any] = json.loads(lines[0].removeprefix(MARK))
    return report
