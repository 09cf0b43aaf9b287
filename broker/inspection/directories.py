"""The directories in which files are inspected: private, locked while used, always removed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "job-"


def inspection_root() -> Path:
    """Return this user's directory for inspections, below the system's temporary directory.

    Raises:
        PermissionError: it is another user's, or others may enter it.
    """
    root = Path(tempfile.gettempdir()) / f"upload-broker-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.lstat()
    if status.st_uid != os.getuid() or status.st_mode != 0o040700:
        raise PermissionError(f"{root} must be a directory that only this user may enter")
    return root


@contextlib.contextmanager
def job_directory(root: Path) -> Iterator[Path]:
    """Create a private directory in `root`, lock it, and remove it at the end."""
    with _locked(root):  # remove_stale() must not find the directory before it is locked
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        lock = _open_locked(directory, fcntl.LOCK_EX)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def remove_stale(root: Path) -> int:
    """Remove the directories of killed workers. Return how many there were.

    The kernel releases a lock when the process that holds it ends, even by `kill -9`.
    """
    removed = 0
    with _locked(root):
        for directory in root.glob(f"{_PREFIX}*"):
            with contextlib.suppress(FileNotFoundError, BlockingIOError):
                lock = _open_locked(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
                os.close(lock)
                removed += 1
    return removed


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    lock = _open_locked(directory, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _open_locked(directory: Path, operation: int) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
