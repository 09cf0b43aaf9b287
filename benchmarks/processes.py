"""Read CPU time and resident memory of a running server from the kernel. Linux only."""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
CPUCLOCK_SCHED = 2


def cpu_seconds(group: int) -> float:
    """Return the CPU seconds of all processes of a group; see `cpu_seconds_of`."""
    return cpu_seconds_of(members(group))


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """Return the user and system time of processes that run, and of their ended children.

    The processes' CPU clocks (clock_getcpuclockid(3)) count nanoseconds and include ended threads.
    The time of ended children is in /proc/PID/stat, in hundredths of a second.
    """
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):  # the process has ended in the meantime
            total += cpu_seconds_of_process(pid)
    return total


def cpu_seconds_of_process(pid: int) -> float:
    """Return the CPU seconds of one process; raise OSError if it has ended."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED) + _of_ended_children(pid)


def parent_of(pid: int) -> int:
    """Return the process that started a process."""
    return int(_stat(pid)[1])


def peak_resident_bytes(pid: int) -> int:
    """Return the peak of a process's resident memory, without its children."""
    status = (PROC / str(pid) / "status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def resident_bytes(group: int) -> int:
    """Return the resident memory of all processes of a group."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in members(group):
        try:
            total += int((PROC / str(pid) / "statm").read_text().split()[1]) * page
        except OSError:
            continue
    return total


def members(group: int) -> list[int]:
    """Return the process ids of a group."""
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = _stat(int(entry.name))
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may contain anything."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _of_ended_children(pid: int) -> float:
    cutime, cstime = _stat(pid)[13:15]
    return (int(cutime) + int(cstime)) / os.sysconf("SC_CLK_TCK")
