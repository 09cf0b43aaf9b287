"""What the kernel says of a running server: CPU time, resident memory. Linux only."""

import os
import time
from pathlib import Path

PROC = Path("/proc")
CPUCLOCK_SCHED = 2


def cpu_seconds(group: int) -> float:
    """Add up user and system time of every process of a group, its ended threads included.

    It is the utime + stime of /proc/PID/stat, read through the processes' own clocks, which
    count nanoseconds where stat counts hundredths (clock_getcpuclockid(3)).
    """
    total = 0.0
    for pid in members(group):
        try:
            total += time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
        except OSError:
            continue  # it has ended between the two looks
    return total


def resident_bytes(group: int) -> int:
    """Add up the resident memory of every process of a group."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in members(group):
        try:
            total += int((PROC / str(pid) / "statm").read_text().split()[1]) * page
        except OSError:
            continue
    return total


def members(group: int) -> list[int]:
    """List the processes of a group."""
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name, in parentheses, may hold anything; the group is the third field after it.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(int(entry.name))
    return found
