"""The files in which processes that share their metrics count them (prometheus_client)."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prometheus_client import values

from broker.telemetry.child_id import CHILD_ID

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
MEMORY = "/dev/shm"  # noqa: S108 (we create our own directory there)


@cache
def prepare() -> None:
    """Create the directory and name this process's files, before the first metric is created.

    A child of `broker background` names its files by its child id instead of its process id. So a
    restarted child continues to count in them, and the number of files does not grow.
    """
    if DIRECTORY in os.environ:
        Path(os.environ[DIRECTORY]).mkdir(parents=True, exist_ok=True)
        if child := os.environ.get(CHILD_ID):
            values.ValueClass = values.MultiProcessValue(lambda: child)  # type: ignore[no-untyped-call]


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Yield a directory that is in memory if possible.

    Processes count metrics in memory-mapped files. If such a file cannot grow because the disk is
    full, the kernel kills the process with SIGBUS, and then all others.
    """
    memory = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="broker-", dir=memory) as directory:
        yield Path(directory)
