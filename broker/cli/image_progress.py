"""The progress of a command over many images: a bar on a terminal, otherwise plain lines."""

import importlib.util
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY = 100


class ImageProgress:
    """Counts images on standard error.

    Args:
        total: the number of images.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        # A server installation has no rich, which the extra `upload` installs.
        has_bar = sys.stderr.isatty() and importlib.util.find_spec("rich") is not None
        self._rich = _bar() if has_bar else None

    def __enter__(self) -> Self:
        if self._rich is not None:
            self._task = self._rich.add_task("images", total=self._total)
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

    def advance(self) -> None:
        """Count one image."""
        self._done += 1
        if self._rich is not None:
            self._rich.advance(self._task)
        elif self._done % EVERY == 0:
            click.echo(f"{self._done} of {self._total} images", err=True)

    def line(self, text: str) -> None:
        """Print a line on standard output, above the bar."""
        if self._rich is not None and sys.stdout.isatty():
            self._rich.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text)


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Remaining(),
        console=Console(stderr=True),
        redirect_stdout=False,
        redirect_stderr=False,
    )
