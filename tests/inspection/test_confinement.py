"""What a child process can neither read nor reach; see stub_child.py."""

import ctypes
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.inspection import sandbox
from broker.inspection.inspected import Inspected, Request
from broker.inspection.sandbox import describe_child

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
def test_the_child_changes_no_other_process_and_no_other_file_and_leaves_nothing(
    found: Callable[..., Any], tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("of another job")
    answers = found("leave_something", source=str(foreign))
    assert answers == {"own signal": "done", "own limit": "done"}
    assert foreign.read_text() == "of another job"


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
