"""Run parts of the matrix. One part prints as it goes; of several, only failures are printed."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.matrix.lanes import Runner
from tests.matrix.outcome import Outcome, table

ROOT = Path(__file__).parent.parent.parent
LOGS = ROOT / ".matrix"


def main() -> int:
    """Return 0 if all parts passed, 1 if one failed, 130 if the run was stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--alone", default="", help="parts that run first, beside no other")
    parser.add_argument(
        "--beside", default="", help="parts that use what those leave idle of the processors"
    )
    parser.add_argument("parts", nargs="+", help="targets of the Makefile; start with the longest")
    asked = parser.parse_args()
    if len(asked.parts) == 1:
        os.execvp("make", ["make", "--no-print-directory", *asked.parts])
    alone, beside = (
        [part for part in asked.parts if part in named.split()]
        for named in (asked.alone, asked.beside)
    )
    begun = time.monotonic()
    LOGS.mkdir(exist_ok=True)
    runner = Runner(root=ROOT, logs=LOGS, ended=_print)
    together = [part for part in asked.parts if part not in [*alone, *beside]]
    try:
        outcomes = asyncio.run(_run(runner, alone, beside, together))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write(f"Stopped. The output of each part is in {LOGS.name}/\n")
        return 130
    sys.stdout.write("\n" + table(outcomes, time.monotonic() - begun))
    return int(any(outcome.status for outcome in outcomes))


async def _run(runner: Runner, *parts: list[str]) -> list[Outcome]:
    running = asyncio.ensure_future(_run_all(runner, *parts))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    return await running


async def _run_all(
    runner: Runner, alone: list[str], beside: list[str], together: list[str]
) -> list[Outcome]:
    """Run all parts. The files of the tests are looked up beside the first ones, too."""
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(_files())
        idly = tasks.create_task(runner.run_alone(beside, nice=True))
        outcomes = await runner.run_alone(alone)
        outcomes += await runner.run_together(together, await looking)
        return outcomes + await idly


async def _files() -> dict[str, str]:
    """Return the make variable with the test files of each part that is marked in tests."""
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", "19", sys.executable, "-m", "tests.matrix.files"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        sys.exit(f"The tests cannot be collected:\n{errors.decode()}")
    return {part: f"TESTS={' '.join(files)}" for part, files in json.loads(printed).items()}


def _print(outcome: Outcome) -> None:
    if outcome.status:
        sys.stdout.write(f"\n---- {outcome.part} ----\n{outcome.output}")
    sys.stdout.write(f"{outcome.line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
