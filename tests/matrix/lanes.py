"""Runs make targets in four lanes: while a part waits in one, the others have the processors."""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.outcome import Outcome

LANES = 4
# The lanes keep two processors busy. A second process of a part would only collect its tests, and
# start their servers, once more. A target's own `-n` comes later and wins.
ONE_PROCESS = {"PYTEST_ADDOPTS": "-n 0"}
# pytest stops the servers of its tests when it is interrupted.
STOP_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs the parts of one Makefile.

    Args:
        root: the folder with the Makefile.
        logs: an existing folder for the output of each part.
        ended: called with the outcome of each part as soon as it has ended.
    """

    root: Path
    logs: Path
    ended: Callable[[Outcome], None]

    async def run_alone(self, parts: Sequence[str], *, nice: bool = False) -> list[Outcome]:
        """Run parts one after the other. Stop if cancelled.

        Args:
            parts: targets of the Makefile.
            nice: use only processor time that nobody else wants.
        """
        return [await self._run_part(part, [], nice=nice) for part in parts]

    async def run_together(
        self, parts: Sequence[str], variables: Mapping[str, str]
    ) -> list[Outcome]:
        """Run parts in lanes. Stop all if cancelled.

        Args:
            parts: targets of the Makefile.
            variables: a make variable for some of them, such as `TESTS=tests/faults`.
        """
        outcomes: list[Outcome] = []
        waiting = deque(parts)

        async def lane() -> None:
            while waiting:
                part = waiting.popleft()
                given = [variables[part]] if part in variables else []
                outcomes.append(await self._run_part(part, given))

        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(lane())
        return outcomes

    async def _run_part(
        self, part: str, variables: Sequence[str], *, nice: bool = False
    ) -> Outcome:
        begun = time.monotonic()
        log = self.logs / f"{part}.log"
        lowest = ["nice", "-n", "19"] if nice else []
        command = [*lowest, "make", "--no-print-directory", part, *variables]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.root,
                env={**os.environ, **ONE_PROCESS},
                start_new_session=True,
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
        outcome = Outcome(part, time.monotonic() - begun, status, log)
        self.ended(outcome)
        return outcome


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        # ProcessLookupError: the whole group has ended.
        with contextlib.suppress(TimeoutError, ProcessLookupError):
            os.killpg(process.pid, number)
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
            return
