"""Which processes run, and waiting for what they do."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT = 40.0


def is_alive(pid: int) -> bool:
    """Check whether there is a process with this id; it may be a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_running(pid: int) -> bool:
    """Check whether a process runs. A zombie does not (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """Return the processes that a process's first thread has started (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    """Return the arguments of a process with a NUL after each (Linux)."""
    return Path(f"/proc/{pid}/cmdline").read_text()


def await_true(
    condition: Callable[[], Any], timeout: float = TIMEOUT, *, pause: float = 0.02
) -> Any:
    """Return the first true value of a condition. Pause for some seconds after any other."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(pause)
    return found


def await_answer(ask: Callable[[], Any], timeout: float = TIMEOUT) -> Any:
    """Return the first true value of a request. It costs CPU at both ends, so ask rarely."""
    return await_true(ask, timeout, pause=0.2)
