"""The parent of several processes: it starts them, restarts those that end, and stops them all."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from broker.cli.orphans import end_zombies
from broker.cli.stopping import StopSignal
from broker.local.ended_children import LOGGER
from broker.local.process import ChildProcess, ServerDied

WATCH_SECONDS = 0.5
START_SECONDS = 10
RESTART_FIRST_SECONDS = 1.0
RESTART_MAX_SECONDS = 60.0
log = logging.getLogger(LOGGER)


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process to keep running.

    Attributes:
        name: its name in log lines.
        command: its program and arguments.
        environment: its whole environment.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def ignore(_name: str) -> None:
    """Do nothing when a child ends."""


def supervise(
    children: Sequence[Child],
    *,
    stop: StopSignal,
    stop_seconds: float,
    ended: Callable[[str], None] = ignore,
) -> None:
    """Run the children until a stop signal arrives, and stop them.

    Args:
        children: the processes. They are stopped in this order.
        stop: the stop signal.
        stop_seconds: how long they may take to end, all together. Those that take longer are
            killed.
        ended: called with the name of a child that has ended by itself, before it is started again.
    """
    running = [_Restarting(child, ended) for child in children]
    with ExitStack() as stack:
        for each in running:
            stack.callback(each.process.stop, 0)
        while not stop.is_set():
            for each in running:
                each.watch()
            end_zombies([pid for each in running for pid in each.process.pids])
            stop.wait(WATCH_SECONDS)
        for each in running:
            each.process.request_stop()
        deadline = time.monotonic() + stop_seconds
        for each in running:
            each.process.stop(max(0.0, deadline - time.monotonic()))


class _Restarting:
    """One child. It is started again when it has ended, after a pause that doubles."""

    def __init__(self, child: Child, ended: Callable[[str], None]) -> None:
        self._name = child.name
        self._ended = ended
        self._pause = RESTART_FIRST_SECONDS
        self._started_at: float | None = None
        self._next_start = 0.0
        self.process = ChildProcess(
            child.command,
            log_file=None,
            cwd=Path.cwd(),
            env=child.environment,
            name=child.name,
        )

    def watch(self) -> None:
        """Start the process if it does not run and its pause is over."""
        now = time.monotonic()
        if self._started_at is None:
            if now >= self._next_start:
                self._start(now)
            return
        try:
            self.process.check()
        except ServerDied as died:
            if now - self._started_at > RESTART_MAX_SECONDS:
                self._pause = RESTART_FIRST_SECONDS
            self._wait_after(died, now)

    def _start(self, now: float) -> None:
        try:
            self.process.start(lambda: True, START_SECONDS)
        except (ServerDied, OSError) as error:  # OSError: too many processes, too little memory
            self._wait_after(error, now)
        else:
            self._started_at = now

    def _wait_after(self, error: Exception, now: float) -> None:
        log.error("%s; starting it again in %.0f s", error, self._pause)
        self.process.stop(0)
        self._ended(self._name)
        self._started_at, self._next_start = None, now + self._pause
        self._pause = min(self._pause * 2, RESTART_MAX_SECONDS)
