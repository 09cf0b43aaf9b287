"""What the API holds on to: memory, open files, connections to PostgreSQL; sampled and compared.

Linux only: it reads /proc.
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
# What may be more at the end than at the beginning. Pools fill and caches warm up; a leak of a
# kilobyte or of a descriptor a request would be many times as much.
MORE_MEMORY = 1.2
MORE_MIB = 32
MORE_FILES = 40
MORE_CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """One look, of all of the API's processes together."""

    phase: str
    memory: float  # MiB
    files: int
    connections: int


class Watch:
    """Looks every few seconds until it is cancelled."""

    def __init__(self, stack: Stack, ledger: Ledger, every: float) -> None:
        self.looks: list[Vitals] = []
        self._stack = stack
        self._ledger = ledger
        self._every = every

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            with contextlib.suppress(psycopg.OperationalError):  # it is being restarted
                self.looks.append(await asyncio.to_thread(self._look))
            await asyncio.sleep(self._every)

    def of(self, phase: str) -> Vitals:
        """Give the medians of a phase."""
        looks = [look for look in self.looks if look.phase == phase] or self.looks[-1:]
        return Vitals(
            phase=phase,
            memory=median(look.memory for look in looks),
            files=round(median(look.files for look in looks)),
            connections=round(median(look.connections for look in looks)),
        )

    def _look(self) -> Vitals:
        processes = descendants(self._stack.serving)
        with self._stack.postgres.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION]
            ).fetchone()
        return Vitals(
            phase=self._ledger.phase.name,
            memory=sum(map(_resident, processes)),
            files=sum(map(_files, processes)),
            connections=int(row[0]) if row else 0,
        )


def leaks(first: Vitals, last: Vitals) -> list[str]:
    """Name what there is too much more of at the end."""
    found = []
    if last.memory > first.memory * MORE_MEMORY + MORE_MIB:
        found.append(f"memory {first.memory:.0f} MiB, then {last.memory:.0f} MiB")
    if last.files > first.files + MORE_FILES:
        found.append(f"open files {first.files}, then {last.files}")
    if last.connections > first.connections + MORE_CONNECTIONS:
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
