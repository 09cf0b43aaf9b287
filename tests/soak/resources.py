"""Samples the API's memory, open files and connections to PostgreSQL, and detects leaks.

This reads /proc, so it works only on Linux.
"""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg

from tests.soak.ledger import Ledger
from tests.soak.stack import APPLICATION, Stack, descendants

MIB = 1024 * 1024
# The allowed growth between beginning and end. Pools fill and caches warm up; a leak of a kilobyte
# or a descriptor per request would be many times as large.
MEMORY_FACTOR = 1.2
MEMORY_SLACK_MIB = 32
FILES_SLACK = 40
CONNECTIONS_SLACK = 16


@dataclass(frozen=True, kw_only=True)
class Resources:
    """One sample of all the API's processes together."""

    phase: str
    memory: float  # MiB
    files: int
    connections: int


class ResourceWatch:
    """Takes a sample every few seconds until it is cancelled."""

    def __init__(self, stack: Stack, ledger: Ledger, every: float) -> None:
        self.samples: list[Resources] = []
        self._stack = stack
        self._ledger = ledger
        self._every = every

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            with contextlib.suppress(psycopg.OperationalError):  # the server is being restarted
                self.samples.append(await asyncio.to_thread(self._sample))
            await asyncio.sleep(self._every)

    def of(self, phase: str) -> Resources:
        """Return the medians of a phase."""
        samples = [sample for sample in self.samples if sample.phase == phase] or self.samples[-1:]
        return Resources(
            phase=phase,
            memory=median(sample.memory for sample in samples),
            files=round(median(sample.files for sample in samples)),
            connections=round(median(sample.connections for sample in samples)),
        )

    def _sample(self) -> Resources:
        processes = descendants(self._stack.serving)
        with self._stack.postgres.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION]
            ).fetchone()
        return Resources(
            phase=self._ledger.phase.name,
            memory=sum(map(_resident, processes)),
            files=sum(map(_files, processes)),
            connections=int(row[0]) if row else 0,
        )


def leaks(first: Resources, last: Resources) -> list[str]:
    """Return a line for each resource that grew too much."""
    found = []
    if last.memory > first.memory * MEMORY_FACTOR + MEMORY_SLACK_MIB:
        found.append(f"memory {first.memory:.0f} MiB, then {last.memory:.0f} MiB")
    if last.files > first.files + FILES_SLACK:
        found.append(f"open files {first.files}, then {last.files}")
    if last.connections > first.connections + CONNECTIONS_SLACK:
        found.append(f"connections to PostgreSQL {first.connections}, then {last.connections}")
    return found


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def _files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0
