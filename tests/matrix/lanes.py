"""Runs make targets in three lanes: while a part waits in one, the others have the processors."""

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

LANES = 3
# pytest stops the servers of its tests when it is interrupted.
STOP_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs the parts of one Makefile.

    Args:
        root: the folder with the Makefile.
        logs: an existing folder for the output of each part.
        variables: make variables for some of the parts, such as `TESTS=tests/faults`.
        ended: called with the outcome of each part as soon as it has ended.
    """

    root: Path
    logs: Path
    variables: Mapping[str, str]
    ended: Callable[[Outcome], None]

    async def run(self, *, alone: Sequence[str], together: Sequence[str]) -> list[Outcome]:
        """Run some parts one after the other, then the rest in lanes. Stop all if cancelled."""
        outcomes: list[Outcome] = []
        await self._lane(deque(alone), outcomes, {})
        waiting = deque(together)
        # The lanes share two processors. A target's own `-n` comes later and wins.
        env = {"PYTEST_ADDOPTS": "-n 2"}
        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(self._lane(waiting, outcomes, env))
        return outcomes

    async def _lane(
        self, waiting: deque[str], outcomes: list[Outcome], env: Mapping[str, str]
    ) -> None:
        while waiting:
            outcome = await self._run_part(waiting.popleft(), env)
            outcomes.append(outcome)
            self.ended(outcome)

    async def _run_part(self, part: str, env: Mapping[str, str]) -> Outcome:
        begun = time.monotonic()
        log = self.logs / f"{part}.log"
        command = ["make", "--no-print-directory", part]
        if part in self.variables:
            command.append(self.variables[part])
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.root,
                env={**os.environ, **env},
                start_new_session=True,
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
        return Outcome(part, time.monotonic() - begun, status, log)


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        # ProcessLookupError: the whole group has ended.
        with contextlib.suppress(TimeoutError, ProcessLookupError):
            os.killpg(process.pid, number)
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
            return
