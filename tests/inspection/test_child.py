"""Real child processes that crash, loop and lie, and workers that end; see stub_child.py."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.domain.rejections import RejectionReason
from broker.inspection import sandbox
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.inspection.sandbox import ChildFailed
from broker.inspection.task import Task
from tests.inspection import LIMITS, STUB

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have only the limits")


@pytest.mark.parametrize(
    "behaviour", ["publish", "print_and_publish", "write_much_to_standard_error"]
)
def test_a_good_file_comes_back_whatever_the_libraries_print(
    run: Callable[..., Inspected], request_: Request, behaviour: str
) -> None:
    inspected = run(behaviour)
    assert inspected.image.path == request_.directory / "image.jpg"
    assert inspected.image.path.read_bytes() == b"not really an image"
    assert [variant.width for variant in inspected.variants] == [320]


def test_a_rejection_comes_back_with_its_reason(run: Callable[..., Inspected]) -> None:
    with pytest.raises(Rejected, match=r"^ends after  \[31m7 bytes$") as rejected:
        run("reject")
    assert rejected.value.reason is RejectionReason.CORRUPT


@pytest.mark.parametrize(
    ("behaviour", "limits", "cause"),
    [
        ("segfault", {}, "signal SIGSEGV"),
        ("loop", {"cpu_seconds": 1}, "cpu limit"),
        ("sleep", {"wall_seconds": 0.3}, "wall clock"),
        ("fail", {}, "exit status 1"),
        ("answer_without_end", {}, "answer too long"),
        ("delete_the_result", {}, "invalid answer"),
    ],
)
def test_a_failure_names_its_cause(
    run: Callable[..., Inspected], behaviour: str, limits: dict[str, Any], cause: str
) -> None:
    with pytest.raises(ChildFailed) as failed:
        run(behaviour, **limits)
    assert failed.value.cause == cause


def test_a_file_cannot_grow_beyond_its_limit(run: Callable[..., Inspected]) -> None:
    with pytest.raises(ChildFailed, match="File too large"):
        run("write_a_huge_file")


@pytest.mark.parametrize("size", [0, 2**19])
def test_all_files_together_cannot_fill_the_disk(
    run: Callable[..., Inspected], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(sandbox, "KEEP_SECONDS", 0.05)
    with pytest.raises(ChildFailed) as failed:
        run("write_files_without_end", source=str(size))
    assert failed.value.cause == "too many files"


@linux
def test_a_file_that_needs_too_much_memory_fails_for_that(run: Callable[..., Inspected]) -> None:
    with pytest.raises(ChildFailed) as failed:
        run("hog")
    assert failed.value.cause == "memory"


def test_a_failure_shows_the_last_line_of_the_error_output(run: Callable[..., Inspected]) -> None:
    with pytest.raises(ChildFailed, match=r"^exit status 1: ValueError: no such  thing$"):
        run("fail")


def test_the_worker_is_asked_once_a_second_and_may_end_the_child(
    run: Callable[..., Inspected], request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "KEEP_SECONDS", 0.05)
    calls: list[int] = []

    def keep() -> None:
        # The child needs longer than these calls to start.
        with contextlib.suppress(FileNotFoundError):
            calls.append(int((request_.directory / "asleep").read_text()))
            if len(calls) == 3:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        run("sleep", keep=keep)
    assert len(calls) == 3
    with pytest.raises(ProcessLookupError):
        os.kill(calls[0], 0)


@linux
def test_a_child_whose_worker_has_died_before_does_nothing(tmp_path: Path) -> None:
    task = Task(parent=os.getpid() + 1, directory=tmp_path, limits=LIMITS, request=None)
    done = subprocess.run(sandbox.COMMAND, input=task.to_json(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


WORKER = """
import sys
from pathlib import Path
from broker.inspection import sandbox
from broker.inspection.confinement import ChildLimits
from broker.inspection.inspected import Request
sandbox.COMMAND = [sys.executable, "-I", "-B", sys.argv[1], "sleep"]
directory = Path(sys.argv[2])
request = Request(source=directory / "source", directory=directory / "out",
                  content_type="image/jpeg", max_pixels=1, max_frames=1, variant_widths=())
limits = ChildLimits(memory_bytes=2**28, cpu_seconds=5, wall_seconds=600, file_bytes=2**20)
sandbox.inspect_in_child(request, limits=limits, keep=lambda: None)
"""


@linux
def test_a_killed_worker_leaves_no_child(request_: Request, tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(STUB), str(tmp_path)])
    try:
        asleep = request_.directory / "asleep"
        _wait(lambda: asleep.is_file() and asleep.read_text() != "")
        child = int(asleep.read_text())
        os.kill(child, 0)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    _wait(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    """Check whether a process runs; a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
