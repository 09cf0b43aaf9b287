"""Real child processes that crash, loop, lie, and look around; see stub_child.py."""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.domain.rejections import RejectionReason
from broker.inspection import sandbox
from broker.inspection.confinement import ChildLimits
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.inspection.sandbox import ChildFailed, describe_child, inspect_in_child
from broker.inspection.task import Task

STUB = Path(__file__).with_name("stub_child.py")
LIMITS = ChildLimits(memory_bytes=2**28, cpu_seconds=5, wall_seconds=10.0, file_bytes=2**20)
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have only the limits")
seccomp = pytest.mark.skipif(
    not Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    or os.uname().machine not in ("x86_64", "aarch64"),
    reason="this kernel has no seccomp, or the filter does not know this architecture",
)
landlock = pytest.mark.skipif(
    sys.platform != "linux" or ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 1,
    reason="this kernel has no Landlock",
)


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    (tmp_path / "source").write_bytes(b"not really an image")
    (tmp_path / "out").mkdir()
    return Request(
        source=tmp_path / "source",
        directory=tmp_path / "out",
        content_type="image/jpeg",
        max_pixels=10**8,
        max_frames=300,
        variant_widths=(320, 800),
    )


@pytest.fixture
def run(request_: Request, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Inspected]]:
    """Run a behaviour of the stub as a child process, and check that no process is left."""

    def run(
        behaviour: str,
        *,
        source: str | None = None,
        keep: Callable[[], None] = lambda: None,
        **limits: Any,
    ) -> Inspected:
        if source is not None:
            request_.source.write_text(source)
        monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-I", "-B", str(STUB), behaviour])
        chosen = ChildLimits(**{**vars(LIMITS), **limits})
        return inspect_in_child(request_, limits=chosen, keep=keep)

    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield run
    for process in started:
        assert process.returncode is not None
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


@pytest.fixture
def found(run: Callable[..., Inspected]) -> Callable[..., Any]:
    """Run a behaviour that reports, and return what it found out."""

    def found(behaviour: str, **arguments: Any) -> Any:
        with pytest.raises(Rejected) as rejected:
            run(behaviour, **arguments)
        return json.loads(str(rejected.value))

    return found


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
def test_the_child_has_no_credentials_no_descriptors_and_no_privileges(
    found: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("BROKER_DATABASE_URL", "postgresql://secret")
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        state = found("describe")
    finally:
        os.close(read_end)
        os.close(write_end)
    assert state["environment"] == sorted(sandbox._environment(Path("/")))
    # The task, the error output twice, and the answer.
    assert state["descriptors"] == [0, 1, 2, 3]
    assert state["no_new_privs"] == 1
    assert state["capabilities"] == ""
    assert state["directory"] == "/"


@linux
def test_the_child_cannot_raise_its_limits(found: Callable[..., Any]) -> None:
    core, cpu, memory, file_size, descriptors = found("describe_limits")
    assert (core, cpu) == ([0, 0], [5, 6])
    assert (memory, file_size, descriptors) == ([2**28] * 2, [2**20] * 2, [64] * 2)


@seccomp
def test_the_child_reaches_no_port(found: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = found("connect", source=str(listener.getsockname()[1]))
    assert answer in ("Operation not permitted", "Network is unreachable")


@landlock
def test_the_child_opens_no_file_of_the_worker(
    found: Callable[..., Any], request_: Request, tmp_path: Path
) -> None:
    secret = tmp_path / "credentials"
    secret.write_text("secret")
    own = request_.directory / "writable"
    own.touch()
    foreign = ["/proc/PARENT/environ", "/proc/PARENT/mem", str(secret), "/etc/passwd"]
    paths = [*foreign, str(own), str(request_.source)]
    answers = found("open_everything", source="\n".join(paths))
    assert answers == ["Permission denied"] * 4 + ["opened"] * 2


@seccomp
def test_the_child_starts_no_process_and_sends_the_worker_no_signal(
    found: Callable[..., Any],
) -> None:
    answers = found("attack")
    # Then the C library starts its threads by clone, whose flags the filter sees.
    assert answers.pop("clone3") == "Function not implemented"
    denied = ["exec", "fork", "signal", "ptrace"]
    assert answers == dict.fromkeys(denied, "Operation not permitted")


@seccomp
@landlock
def test_a_child_says_what_it_has_given_up() -> None:
    confinement = describe_child().confinement
    assert (confinement.network, confinement.files, confinement.processes) == (True, True, True)


@linux
def test_the_child_still_has_threads(found: Callable[..., Any]) -> None:
    assert found("start_threads") == list(range(4))


@linux
def test_a_child_has_a_network_of_its_own(
    run: Callable[..., Inspected], request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read what the system calls' filter hides from the child itself."""
    if subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True).returncode:
        pytest.skip("this system denies namespaces")
    monkeypatch.setattr(sandbox, "KEEP_SECONDS", 0.05)
    asleep, networks = request_.directory / "asleep", []

    def keep() -> None:
        if asleep.is_file() and (child := asleep.read_text()):
            networks.append(os.readlink(f"/proc/{child}/ns/net"))
            limits = Path(f"/proc/{child}/limits").read_text()
            assert re.search(r"^Max processes +64 +64 ", limits, re.MULTILINE)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run("sleep", keep=keep)
    assert networks[0] != os.readlink("/proc/self/ns/net")


LANDLOCKED = """
import ctypes, os, signal, socket, sys
from pathlib import Path
from broker.inspection import landlock
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
assert landlock.restrict(readable=[], writable=Path(sys.argv[1]))
for attempt in (
    lambda: os.kill(os.getppid(), signal.SIGURG),
    lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=2),
    lambda: socket.create_server(("127.0.0.1", 0)),
):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit(f"{attempt} succeeded")
"""


@landlock
def test_landlock_alone_denies_tcp_and_signals(tmp_path: Path) -> None:
    if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 6:
        pytest.skip("the Landlock of this kernel knows only files")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-c", LANDLOCKED, str(tmp_path), port]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


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


UNDUMPABLE = """
import os, sys
from broker.inspection.sandbox import protect_parent
protect_parent()
# As the user of a container: root may read everything.
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    protect_parent()  # a change of the user would have to be followed by it
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for name in ("environ", "mem", "maps"):
    try:
        open(f"/proc/{os.getppid()}/{name}", "rb").read(1)
    except PermissionError:
        continue
    os._exit(1)
os._exit(0)
"""


@linux
def test_a_protected_worker_cannot_be_read_by_a_process_of_the_same_user() -> None:
    done = subprocess.run([sys.executable, "-c", UNDUMPABLE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


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
