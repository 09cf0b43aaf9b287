"""The broker's own child process, which also reports its peak memory on its standard error."""

import json
import sys
from collections.abc import Callable
from typing import TextIO

from benchmarks.reports import MARK
from broker.inspection.child import main
from broker.inspection.inspected import Inspected, Request


def _measured(status: TextIO) -> Callable[[Request], Inspected]:
    """Return the broker's inspection, which writes its report when it ends."""
    idle = _peak_kib(status)
    from broker.inspection.inspect import inspect

    def measure(request: Request) -> Inspected:
        try:
            return inspect(request)
        finally:
            report = {"idle_kib": idle, "peak_kib": _peak_kib(status)}
            sys.stderr.write(f"{MARK}{json.dumps(report)}\n")

    return measure


def _peak_kib(status: TextIO) -> int:
    status.seek(0)
    return int(status.read().split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    # The child cannot open this file once it has confined itself.
    with open("/proc/self/status") as open_status:
        main(lambda: _measured(open_status))
