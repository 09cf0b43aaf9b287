"""The broker's own child process, which also reports CPU and memory on its standard error."""

import json
import sys
import time
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
        began = time.process_time()
        try:
            return inspect(request)
        finally:
            seconds = time.process_time() - began
            report = {"seconds": [seconds], "idle_kib": idle, "peak_kib": _peak_kib(status)}
            sys.stderr.write(f"{MARK}{json.dumps(report)}\n")

    return measure


def _peak_kib(status: TextIO) -> int:
    status.seek(0)
    return int(status.read().split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    # The child cannot open this file once it has confined itself.
    with open("/proc/self/status") as open_status:
        main(lambda: _measured(open_status))
