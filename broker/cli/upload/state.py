"""The files that `broker upload` stores between two runs: a small one for each upload."""

import os
import sys
from pathlib import Path

import click
from broker_client import FolderJournal

APP = "upload-broker"


def state_folder() -> Path:
    """Return `$XDG_STATE_HOME/upload-broker/uploads`, or the platform's own folder for it."""
    home = os.environ.get("XDG_STATE_HOME", "")
    if Path(home).is_absolute():
        base = Path(home) / APP
    elif sys.platform in ("darwin", "win32"):
        base = Path(click.get_app_dir(APP))
    else:
        base = Path.home() / ".local/state" / APP
    return base / "uploads"


class RunJournal(FolderJournal):
    """Keeps the entries of recorded images until all files of the run are recorded.

    If a run fails, the same command finds these images and does not send the files again.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._recorded: list[str] = []

    def done(self, key: str) -> None:
        """Keep the entry until the end of the run."""
        self._recorded.append(key)

    def finish(self) -> None:
        """Delete the entries of the recorded images."""
        for key in self._recorded:
            self.forget(key)
