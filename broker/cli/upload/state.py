"""What `broker upload` keeps between two runs, one small file an upload."""

import os
import sys
from pathlib import Path

import click
from broker_client import FolderJournal

APP = "upload-broker"


def state_folder() -> Path:
    """Give `$XDG_STATE_HOME/upload-broker/uploads`, or what the platform has in its place."""
    home = os.environ.get("XDG_STATE_HOME", "")
    if Path(home).is_absolute():
        base = Path(home) / APP
    elif sys.platform in ("darwin", "win32"):
        base = Path(click.get_app_dir(APP))
    else:
        base = Path.home() / ".local/state" / APP
    return base / "uploads"


class RunJournal(FolderJournal):
    """Keeps what has arrived until all of a run's files have.

    So the same command after a failure finds their images, and sends none of them twice.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._arrived: list[str] = []

    def done(self, key: str) -> None:
        """Keep the entry for now."""
        self._arrived.append(key)

    def finish(self) -> None:
        """Forget what has arrived: the run is over."""
        for key in self._arrived:
            self.forget(key)
