"""Run an inspection in a child process that may crash, loop or be taken over.

The worker imports this module, which imports no decoder. Each file gets a new process, started by
exec: nothing of the worker's memory is in it. docs/decisions/inspection-process.md says why.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from broker.inspection.answer import (
    MAX_ANSWER_BYTES,
    Description,
    InvalidAnswer,
    printable,
    read_description,
    read_inspected,
)
from broker.inspection.child import OUT_OF_MEMORY
from broker.inspection.confinement import ChildLimits, child_limits
from broker.inspection.inspected import Inspected, Request
from broker.inspection.task import Task

# -I ignores PYTHON* variables, the current directory and the user's packages; -B writes no cache.
COMMAND = [sys.executable, "-I", "-B", "-m", "broker.inspection.child"]
KEEP_SECONDS = 1.0
# The image, its variants, and what libvips spills to disk.
MAX_FILES = 100
MAX_FILES_FACTOR = 2
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>
_MAX_ERROR_BYTES = 4096
_OUT_OF_MEMORY_TEXTS = ("bad_alloc", "failed to allocate", "out of memory", "MemoryError")


class ChildFailed(Exception):
    """The child gave no valid answer.

    Attributes:
        cause: `wall clock`, `cpu limit`, `memory`, `signal SIGSEGV` or another signal,
            `exit status 1` or another status, `answer too long`, `too many files`,
            `invalid answer`, `not started`.
        detail: the last line that it wrote to its standard error, or what is invalid.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail


def inspect_in_child(
    request: Request, *, keep: Callable[[], None], limits: ChildLimits | None = None
) -> Inspected:
    """Inspect a file in a child process. No process is left, whatever happens.

    The caller removes the request's directory, see `directories.job_directory`.

    Args:
        request: what to inspect. Its directory is the only place that the child may write to.
        keep: called about every second while the child runs. If it raises, the child is killed.
        limits: what the child may use, by default `confinement.child_limits`.

    Raises:
        Rejected: the file must not be published.
        ChildFailed: the child crashed, exceeded a limit, or answered with impossible values.
    """
    limits = limits or child_limits(request)
    task = Task(parent=os.getpid(), directory=request.directory, limits=limits, request=request)
    answer = _run(task, keep)
    try:
        return read_inspected(answer, request)
    except InvalidAnswer as error:
        raise ChildFailed("invalid answer", str(error)) from None


def protect_parent() -> None:
    """Make this process undumpable, so that its children can read nothing of it.

    Otherwise /proc/<pid>/mem and /proc/<pid>/environ are open to processes of the same user.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_DUMPABLE")


def describe_child() -> Description:
    """Start a child process that inspects nothing, and return what it says about itself.

    Raises:
        ChildFailed: no child can run here, or its libraries are missing.
    """
    limits = ChildLimits(memory_bytes=2**30, cpu_seconds=5, wall_seconds=20, file_bytes=0)
    with tempfile.TemporaryDirectory() as directory:
        task = Task(parent=os.getpid(), directory=Path(directory), limits=limits, request=None)
        answer = _run(task, lambda: None)
    try:
        return read_description(answer)
    except InvalidAnswer as error:
        raise ChildFailed("invalid answer", str(error)) from None


def is_isolated() -> bool:
    """Check whether child processes on this system have no network."""
    return describe_child().confinement.network


def _run(task: Task, keep: Callable[[], None]) -> bytes:
    """Return what the child writes to its standard output, after it has ended."""
    try:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter)
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env=_environment(task.directory),
            # Ctrl-C at a terminal is for the worker; and the group is killed as a whole.
            start_new_session=True,
        )
    except OSError as error:
        raise ChildFailed("not started", error.strerror or str(error)) from error
    streams = (process.stdin, process.stdout, process.stderr)
    to_child, output, error_output = cast("tuple[IO[bytes], IO[bytes], IO[bytes]]", streams)
    errors = bytearray()
    try:
        with contextlib.suppress(BrokenPipeError), to_child:
            to_child.write(task.to_json())
        answer = _read(output, error_output, errors, task, keep)
    finally:
        # At the end of its output the child has ended already, and this changes nothing.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.close()
        _drain(error_output, errors)
    if process.returncode != 0:
        raise _failure(process.returncode, bytes(errors).decode(errors="replace"))
    return answer


def _read(
    output: IO[bytes],
    error_output: IO[bytes],
    errors: bytearray,
    task: Task,
    keep: Callable[[], None],
) -> bytes:
    """Read the output to its end, and the error output meanwhile."""
    answer = bytearray()
    seconds = task.limits.wall_seconds
    started = time.monotonic()
    next_keep = started + KEEP_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ, answer)
        selector.register(error_output, selectors.EVENT_READ, errors)
        while True:
            now = time.monotonic()
            if now >= started + seconds:
                raise ChildFailed("wall clock")
            if now >= next_keep:
                keep()
                _check_files(task)
                next_keep = now + KEEP_SECONDS
            for key, _ in selector.select(min(next_keep, started + seconds) - now):
                chunk = os.read(key.fd, MAX_ANSWER_BYTES)
                key.data.extend(chunk)
                if not chunk and key.fileobj is output:
                    return bytes(answer)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(answer) > MAX_ANSWER_BYTES:
                raise ChildFailed("answer too long")
            del errors[:-_MAX_ERROR_BYTES]


def _check_files(task: Task) -> None:
    """Raise ChildFailed if the child's files could fill the disk; each has a limit of its own."""
    size = 0
    with os.scandir(task.directory) as found:
        for number, file in enumerate(found, start=1):
            # libvips deletes its temporary files by itself.
            with contextlib.suppress(FileNotFoundError):
                size += file.stat(follow_symlinks=False).st_size
            if number > MAX_FILES or size > MAX_FILES_FACTOR * task.limits.file_bytes:
                raise ChildFailed("too many files")


def _drain(error_output: IO[bytes], errors: bytearray) -> None:
    """Read what is left of the error output, without waiting for its end."""
    with error_output:
        os.set_blocking(error_output.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            errors.extend(os.read(error_output.fileno(), MAX_ANSWER_BYTES))


def _failure(status: int, errors: str) -> ChildFailed:
    lines = [line for line in errors.splitlines() if line.strip()]
    detail = printable(lines[-1])[-300:] if lines else ""
    if status == -signal.SIGXCPU:
        return ChildFailed("cpu limit")
    if status == OUT_OF_MEMORY or any(text in errors for text in _OUT_OF_MEMORY_TEXTS):
        return ChildFailed("memory", detail)
    if status < 0:
        return ChildFailed(f"signal {signal.Signals(-status).name}", detail)
    return ChildFailed(f"exit status {status}", detail)


def _environment(directory: Path) -> dict[str, str]:
    """Return the child's whole environment. The worker's has credentials in it."""
    return {
        "LANG": "C.UTF-8",
        "TMPDIR": str(directory),  # libvips spills large images to files
        "VIPS_BLOCK_UNTRUSTED": "1",
        # More threads would serve one image sooner, and all images later.
        "VIPS_CONCURRENCY": "1",
        "MALLOC_ARENA_MAX": "1",
    }
