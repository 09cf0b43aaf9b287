"""Runs the Kotlin client in a JVM, by the command in its tests."""

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
    """A JVM that runs one command after the other, and what the last one has printed."""

    process: "subprocess.Popen[str]"
    lines: list[dict[str, Any]] = field(default_factory=list)
    is_busy: bool = False

    def begin(self, **command: Any) -> None:
        """Start a command."""
        assert not self.is_busy
        assert self.process.stdin is not None
        self.lines, self.is_busy = [], True
        given = {name: value for name, value in command.items() if value is not None}
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()

    def progress(self) -> Iterator[dict[str, Any]]:
        """Yield what the app is told, as it comes, until the command ends."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            if line["what"] == "end":
                self.is_busy = False
                return
            self.lines.append(line)
            if line["what"] == "progress":
                yield line["value"]
        raise AssertionError(f"the JVM ended with {self.process.wait(TIMEOUT_SECONDS)}")

    def finish(self) -> "Done":
        """Wait for the end of the command."""
        for _ in self.progress():
            pass
        return Done(self.lines)

    def run(self, **command: Any) -> "Done":
        """Run a command until it ends."""
        self.begin(**command)
        return self.finish()

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
def started(*options: str) -> Iterator[Jvm]:
    """Start a JVM with these options."""
    settings = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *options]
    line = ["java", *settings, "-cp", class_path(), MAIN]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Jvm(process)
        finally:
            process.kill()


class SharedJvm:
    """One JVM for the commands of many tests. If a test leaves it busy, the next gets another."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._jvm: Jvm | None = None

    def idle(self) -> Jvm:
        """Return the JVM. It is started when needed."""
        if self._jvm is None or self._jvm.is_busy:
            self.close()
            self._jvm = self._stack.enter_context(started())
        return self._jvm

    def close(self) -> None:
        """Stop it."""
        self._stack.close()
