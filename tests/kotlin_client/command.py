"""Runs the Kotlin client in a JVM of its own, by the command in its tests."""

import contextlib
import functools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODULE = Path(__file__).parents[2] / "clients/kotlin/client"
MAIN = "uploadbroker.command.CommandKt"
TIMEOUT_SECONDS = 90


@functools.cache
def class_path() -> str:
    """Return the class path that Maven has written. `make kotlin` runs Maven first."""
    libraries = (MODULE / "target/test-class-path.txt").read_text().strip()
    folders = [str(MODULE / "target" / name) for name in ("classes", "test-classes")]
    return os.pathsep.join([*folders, libraries])


@dataclass
class Jvm:
    """A running command, and what it has printed."""

    process: "subprocess.Popen[str]"
    lines: list[dict[str, Any]] = field(default_factory=list)

    def progress(self) -> Iterator[dict[str, Any]]:
        """Yield what the app is told, as it comes."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.lines.append(line)
            if line["what"] == "progress":
                yield line["value"]

    def finish(self) -> "Done":
        """Wait for the end."""
        for _ in self.progress():
            pass
        assert self.process.wait(TIMEOUT_SECONDS) == 0
        return Done(self.lines)

    def kill(self) -> None:
        """Kill it with SIGKILL, as a system kills an app."""
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)


@dataclass
class Done:
    """What a command has printed."""

    lines: list[dict[str, Any]]

    def values(self, what: str) -> list[Any]:
        """Return the values of one kind of line, in the order of the files."""
        found = [line for line in self.lines if line["what"] == what]
        return [line["value"] for line in sorted(found, key=lambda line: line["index"])]

    @property
    def result(self) -> Any:
        """Return the only result."""
        assert self.values("error") == []
        (result,) = self.values("result")
        return result

    @property
    def error(self) -> dict[str, Any]:
        """Return the only error."""
        assert self.values("result") == []
        (error,) = self.values("error")
        return dict(error)


@contextlib.contextmanager
def started(*options: str, **command: Any) -> Iterator[Jvm]:
    """Start a command. `options` are for the JVM."""
    text = json.dumps({name: value for name, value in command.items() if value is not None})
    line = [
        "java",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        *options,
        "-cp",
        class_path(),
        MAIN,
        text,
    ]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Jvm(process)
        finally:
            process.kill()


def run(*options: str, **command: Any) -> Done:
    """Run a command until it ends."""
    with started(*options, **command) as jvm:
        return jvm.finish()
