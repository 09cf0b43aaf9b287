"""Child processes of `broker dev` and of the tests: pick ports, start, await, stop.

Knows what a Unix process is, and nothing of S3 or PostgreSQL: each server has its own module.

    ServerError
    ├── ServerNotInstalled   the program is not on this machine; the message says what to install
    ├── AlreadyRunning       another server holds the lock on the data
    ├── PortTaken            another process listens where the server should
    ├── ServerDied           the process ended before it was ready
    └── ServerNotReady       the process runs, but was not ready within its time
"""

import contextlib
import fcntl
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, cast
from urllib.request import ProxyHandler, Request, build_opener

LOOPBACK = "127.0.0.1"
POLL_INTERVAL = 0.02  # seconds between two questions "ready?"
LOG_TAIL_BYTES = 4000

# Ends the process group named on its input as soon as that input closes: the kernel closes it
# when we end, by `kill -9` too. It is a process, not PR_SET_PDEATHSIG, because that one fires
# when the *thread* that forked ends, exists on Linux only, and needs code between fork and exec.
_GUARD = """
read -r group || exit
read -r _
kill -s TERM -- "-$group"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -s 0 -- "-$group" || exit
    sleep 0.5
done
kill -s KILL -- "-$group"
"""


class ServerError(Exception):
    """A server that we start does not serve."""


class ServerNotInstalled(ServerError):
    """The server's program is not on this machine."""


class AlreadyRunning(ServerError):
    """Another server holds the lock on the data."""


class PortTaken(ServerError):
    """Another process listens where the server should."""


class ServerDied(ServerError):
    """The process ended before it was ready."""


class ServerNotReady(ServerError):
    """The process runs, but was not ready within its time."""


def free_ports(count: int) -> list[int]:
    """Pick distinct loopback TCP ports that nothing listens on.

    All sockets are held until the last is bound, so that the kernel names no port twice. Another
    process may still take one before it is used: who starts a server tries again with new ports.
    """
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def is_port_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as listener:
        # As servers do: a connection in TIME_WAIT does not occupy the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def lock(file: Path, timeout: float) -> int:
    """Lock a file for as long as any process holds the descriptor that this returns.

    Waits up to `timeout` seconds for the one that holds it now; then raises AlreadyRunning.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise AlreadyRunning(f"another server runs in {file.parent}") from None
            time.sleep(POLL_INTERVAL)
        else:
            return descriptor


def answers(url: str, *, method: str = "GET", body: bytes | None = None) -> bool:
    """Say whether this local URL answers with success; never asks through a proxy."""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(url, data=body, method=method), timeout=5):
            return True
    except (OSError, HTTPException):
        return False


class ChildProcess:
    """One server, in a session and process group of its own.

    So a terminal's Ctrl-C reaches us alone, and we decide what ends when. Should we end without
    deciding, the guard ends the group. `user` is for servers that refuse to run as root; the
    process inherits the descriptors `pass_fds`, such as a lock that is to last as long as it does.
    `name` is what errors call it; its program's where none is given.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log_file: Path,
        cwd: Path,
        env: Mapping[str, str],
        user: str | None = None,
        pass_fds: Sequence[int] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        name: str | None = None,
    ) -> None:
        self._name = name or Path(argv[0]).name
        self._argv = list(argv)
        self._log_file = log_file
        self._cwd = cwd
        self._env = dict(env)
        self._user = user
        self._pass_fds = tuple(pass_fds)
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process and of its group; None when it is not started."""
        return self._process.pid if self._process else None

    def start(self, ready: Callable[[], bool], timeout: float) -> None:
        """Start the process, and return once `ready()` is true.

        Raises ServerDied as soon as the process ends, and ServerNotReady after `timeout` seconds;
        both carry the end of the log, and leave no process. The log file is begun anew.
        """
        try:
            self._guard = self._start_guard()
            self._process = self._start_process()
            to_guard = cast("IO[bytes]", self._guard.stdin)
            to_guard.write(f"{self._process.pid}\n".encode())
            to_guard.flush()
            self._await(self._process, ready, timeout)
        except BaseException:
            self.stop(grace=0)
            raise

    def check(self) -> None:
        """Raise ServerDied, with the end of the log, where the process has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise ServerDied(self._ended(status))

    def stop(self, grace: float = 10.0) -> None:
        """End the group: the stop signal, up to `grace` seconds, SIGKILL. May be repeated."""
        try:
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    _signal_group(self._process.pid, self._stop_signal)
                    self._process.wait(grace)
        finally:
            process, self._process = self._process, None
            if process is not None:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()
            guard, self._guard = self._guard, None
            if guard is not None:
                guard.kill()
                guard.communicate()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath},
            start_new_session=True,
        )

    def _start_process(self) -> subprocess.Popen[bytes]:
        with self._log_file.open("wb") as log:
            return subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._env,
                start_new_session=True,
                pass_fds=self._pass_fds,
                user=self._user,
                group=pwd.getpwnam(self._user).pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )

    def _await(
        self, process: subprocess.Popen[bytes], ready: Callable[[], bool], timeout: float
    ) -> None:
        deadline = time.monotonic() + timeout
        while True:
            if (status := process.poll()) is not None:
                raise ServerDied(self._ended(status))
            if ready():
                return
            if time.monotonic() >= deadline:
                raise ServerNotReady(
                    f"{self._name} not ready in {timeout:g} s:\n{self._log_tail()}"
                )
            # A pause that the end of the process cuts short.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_INTERVAL)

    def _ended(self, status: int) -> str:
        return f"{self._name} ended with status {status}:\n{self._log_tail()}"

    def _log_tail(self) -> str:
        with self._log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()


def _signal_group(group: int, number: signal.Signals) -> None:
    # No such process: all have ended. No permission: what macOS says of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
