"""Progress bars on a terminal: one for each file that is being sent, and one for all files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from broker_client import Outcome, Progress
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress

from broker.cli.printable import printable

NAME_WIDTH = 32
MAX_FINISHED_BARS = 10  # with more files, only those that are being sent are shown


def terminal() -> Console | None:
    """Return standard error as a terminal, or None if it is not a terminal."""
    return Console(stderr=True) if sys.stderr.isatty() else None


class Bars:
    """Progress bars. Without a terminal they show nothing."""

    def __init__(self, files: Sequence[Path], console: Console | None) -> None:
        self._names = [_short(printable(file.name)) for file in files]
        self._sizes = [file.stat().st_size for file in files]
        self._sent = [0] * len(files)
        self._tasks: dict[int, TaskID] = {}
        self._rich: RichProgress | None = None
        if console is not None:
            self._rich = RichProgress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=console,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._all = self._rich.add_task(f"{len(files)} in total", total=sum(self._sizes))

    def __enter__(self) -> Self:
        if self._rich is not None:
            self._rich.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rich is not None:
            self._rich.stop()

    def progress(self, now: Progress) -> None:
        """Update a file's bar and the total. Several threads may call this."""
        if self._rich is None:
            return
        if now.index not in self._tasks:
            self._tasks[now.index] = self._rich.add_task(self._names[now.index], total=now.total)
        text = self._names[now.index]
        if now.phase == "processing":
            text = f"{text} processing"
        self._rich.update(self._tasks[now.index], completed=now.sent, description=text)
        self._sent[now.index] = now.sent
        self._rich.update(self._all, completed=sum(self._sent))

    def done(self, outcome: Outcome) -> None:
        """Fill or hide a file's bar. A file without an image counts as zero bytes sent."""
        if self._rich is None:
            return
        self._sent[outcome.index] = 0 if outcome.image is None else self._sizes[outcome.index]
        self._rich.update(self._all, completed=sum(self._sent))
        if (task := self._tasks.get(outcome.index)) is not None:
            visible = outcome.image is not None and len(self._names) <= MAX_FINISHED_BARS
            self._rich.update(task, visible=visible, description=self._names[outcome.index])


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
