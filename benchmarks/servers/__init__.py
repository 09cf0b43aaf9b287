"""The servers: each runs as a process on a free port."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from broker.local.process import ChildProcess, PortTaken, ServerDied, answers, free_ports

ROOT = Path(__file__).parent.parent.parent
START_TIMEOUT = 60.0  # seconds
START_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server; `group` is its process group."""

    name: str
    port: int
    group: int

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return its CPU time so far."""
        return processes.cpu_seconds(self.group)

    def resident_bytes(self) -> int:
        """Return its resident memory."""
        return processes.resident_bytes(self.group)


@contextlib.contextmanager
def serve(
    name: str,
    argv: Callable[[int], Sequence[str]],
    env: Callable[[int], Mapping[str, str]],
    directory: Path,
    *,
    ready: str = "/healthz",
) -> Iterator[Server]:
    """Run a server on a free port until the block ends. It logs to NAME.log."""
    for attempt in range(1, START_ATTEMPTS + 1):
        port = free_ports(1)[0]
        child = ChildProcess(
            argv(port),
            log_file=directory / f"{name}.log",
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), **env(port)},
        )
        try:
            child.start(_asking(f"http://127.0.0.1:{port}{ready}"), START_TIMEOUT)
            break
        except (PortTaken, ServerDied):
            if attempt == START_ATTEMPTS:
                raise
    try:
        yield Server(name=name, port=port, group=child.pid or 0)
    finally:
        child.stop(grace=3)


def _asking(url: str) -> Callable[[], bool]:
    return lambda: answers(url)
