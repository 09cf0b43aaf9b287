"""Run `broker upload` as a process, with and without a terminal."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from broker.cli.upload import upload

ROOT = Path(__file__).parents[2]
UPLOAD = [sys.executable, "-m", "broker", "upload"]
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Shell:
    """Runs the command in a folder, with its own state folder."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        state = {"XDG_STATE_HOME": str(self.folder / "state"), "TERM": "xterm-256color"}
        return {**os.environ, **state, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **self.settings}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*UPLOAD, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def call(self, *arguments: str | Path) -> Result:
        """Run the command in this process, from the current folder. This is faster."""
        return CliRunner().invoke(upload, [*map(str, arguments)], env=self.environment)

    def run_on_a_terminal(self, *arguments: str | Path) -> tuple[int, str]:
        """Run the command on a terminal. Return the exit status and the complete output."""
        terminal, side = pty.openpty()
        with subprocess.Popen(
            [*UPLOAD, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=side,
            stdout=side,
            stderr=side,
        ) as process:
            os.close(side)
            shown = b""
            # Linux raises EIO when the last process has closed its end.
            with contextlib.suppress(OSError):
                while data := os.read(terminal, 65536):
                    shown += data
            status = process.wait(timeout=TIMEOUT_SECONDS)
        os.close(terminal)
        return status, shown.decode()

    def unfinished(self) -> list[Path]:
        return list((self.folder / "state/upload-broker/uploads").glob("*"))
