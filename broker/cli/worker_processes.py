"""The parent of several workers: it starts them, restarts those that end, and stops them all."""

import logging
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from broker.cli.stopping import StopSignal
from broker.local.process import ChildProcess, ServerDied

WORKER = [sys.executable, "-m", "broker.cli", "worker"]
WATCH_SECONDS = 0.5
START_SECONDS = 10
RESTART_FIRST_SECONDS = 1.0
RESTART_MAX_SECONDS = 60.0
log = logging.getLogger("broker.worker")


def run_workers(
    count: int,
    *,
    stop: StopSignal,
    stop_seconds: float,
    metrics_host: str,
    metrics_port: int | None,
) -> None:
    """Run workers until a stop signal arrives, and stop them.

    Args:
        count: the number of worker processes.
        stop: the stop signal.
        stop_seconds: how long the workers may take to end. Those that take longer are killed.
        metrics_host, metrics_port: see `broker worker`; each further worker uses the next port.
    """
    workers = [
        _Restarting(number, _command(metrics_host, metrics_port and metrics_port + number - 1))
        for number in range(1, count + 1)
    ]
    with ExitStack() as stack:
        for worker in workers:
            stack.callback(worker.process.stop, 0)
        while not stop.is_set():
            for worker in workers:
                worker.watch()
            stop.wait(WATCH_SECONDS)
        for worker in workers:
            worker.process.request_stop()
        deadline = time.monotonic() + stop_seconds
        for worker in workers:
            worker.process.stop(max(0.0, deadline - time.monotonic()))


def _command(host: str, port: int | None) -> list[str]:
    options = [] if port is None else ["--metrics-host", host, "--metrics-port", str(port)]
    return [*WORKER, *options]


@dataclass
class _Restarting:
    """One worker process. It is started again when it has ended, after a pause that doubles."""

    number: int
    command: list[str]
    pause: float = field(init=False)
    started_at: float | None = None
    next_start: float = 0.0
    process: ChildProcess = field(init=False)

    def __post_init__(self) -> None:
        self.pause = RESTART_FIRST_SECONDS
        self.process = ChildProcess(
            self.command,
            log_file=None,
            cwd=Path.cwd(),
            env=os.environ,
            name=f"worker process {self.number}",
        )

    def watch(self) -> None:
        """Start the process if it does not run and its pause is over."""
        now = time.monotonic()
        if self.started_at is None:
            if now >= self.next_start:
                self._start(now)
            return
        try:
            self.process.check()
        except ServerDied as died:
            if now - self.started_at > RESTART_MAX_SECONDS:
                self.pause = RESTART_FIRST_SECONDS
            self._wait_after(died, now)

    def _start(self, now: float) -> None:
        try:
            self.process.start(lambda: True, START_SECONDS)
        except (ServerDied, OSError) as error:  # OSError: too many processes, too little memory
            self._wait_after(error, now)
        else:
            self.started_at = now

    def _wait_after(self, error: Exception, now: float) -> None:
        log.error("%s; starting it again in %.0f s", error, self.pause)
        self.process.stop(0)
        self.started_at, self.next_start = None, now + self.pause
        self.pause = min(self.pause * 2, RESTART_MAX_SECONDS)
