"""Child processes of `broker dev` and of the tests: choose ports, start, wait, stop.

This module handles only Unix processes. S3 and PostgreSQL servers have their own modules.

    ServerError
    ├── ServerNotInstalled   the program is missing; the message says what to install
    ├── AlreadyRunning       another server has locked the data directory
    ├── PortTaken            another process uses the port
    ├── ServerDied           the process ended unexpectedly
    └── ServerNotReady       the process runs, but was not ready in time
"""

import contextlib
import fcntl
import functools
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
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

LOOPBACK = "127.0.0.1"
POLL_INTERVAL = 0.02  # seconds between two checks
LOG_TAIL_BYTES = 4000

# Stops the process group named on its standard input as soon as that input closes. The kernel
# closes it when we end, even by `kill -9`. PR_SET_PDEATHSIG is no alternative: it fires when the
# *thread* that forked ends, exists only on Linux, and needs code between fork and exec.
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
    """A server that we started does not work."""


class ServerNotInstalled(ServerError):
    """The server's program is not installed."""


class AlreadyRunning(ServerError):
    """Another server has locked the data directory."""


class PortTaken(ServerError):
    """Another process uses the port."""


class ServerDied(ServerError):
    """The process ended unexpectedly."""


class ServerNotReady(ServerError):
    """The process runs, but was not ready in time."""


def free_ports(count: int) -> list[int]:
    """Return different free TCP ports of the loopback interface.

    All sockets stay open until the last one is bound, so the kernel cannot return a port twice.
    Another process may still take a port before it is used; then start the server again with new
    ports.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def is_port_free(port: int) -> bool:
    """Check whether a server could listen on this loopback port now."""
    with socket.socket() as listener:
        # Servers do this as well: a connection in TIME_WAIT does not block the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def lock(file: Path, timeout: float) -> int:
    """Lock a file until the last process closes the returned descriptor.

    Raises:
        AlreadyRunning: another process still has the lock after `timeout` seconds.
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
    """Check whether this local URL answers with a success status. No proxy is used."""
    try:
        with _opener().open(Request(url, data=body, method=method), timeout=5):
            return True
    except (OSError, HTTPException):
        return False


@functools.cache
def _opener() -> OpenerDirector:
    """Return what sends the requests. A new one would take longer than a request."""
    return build_opener(ProxyHandler({}))


class ChildProcess:
    """One server, in its own session and process group.

    A terminal's Ctrl-C reaches only this process, which then stops its servers in order. If this
    process dies, the guard process stops the group.

    Args:
        argv: the command.
        log_file: receives its output; truncated at each start. None: our own output receives it.
        cwd: its working directory.
        env: its whole environment.
        user: the user to run as, for servers that refuse to run as root.
        pass_fds: descriptors to inherit, such as a lock to hold as long as the process runs.
        stop_signal: the signal that asks it to stop.
        name: its name in error messages; by default the name of its program.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log_file: Path | None,
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
        """The id of the process and of its group; None if it is not running."""
        return self._process.pid if self._process else None

    @property
    def pids(self) -> list[int]:
        """The ids of the process and its guard, as far as they were started."""
        return [one.pid for one in (self._process, self._guard) if one is not None]

    def start(self, ready: Callable[[], bool], timeout: float) -> None:
        """Start the process and wait until `ready()` is true. On an error, no process is left.

        Raises:
            ServerDied: the process ended. The message has the end of the log.
            ServerNotReady: not ready after `timeout` seconds. The message has the end of the log.
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
        """Raise ServerDied, with the end of the log, if the process has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise ServerDied(self._ended(status))

    def request_stop(self) -> None:
        """Send the stop signal, without waiting."""
        if self._process is not None:
            _signal_group(self._process.pid, self._stop_signal)

    def stop(self, grace: float = 10.0) -> None:
        """Send the stop signal, wait up to `grace` seconds, then send SIGKILL. May be repeated."""
        try:
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.request_stop()
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
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log_file.open("wb")) if self._log_file else None
            return subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
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
                raise ServerNotReady(f"{self._name} not ready in {timeout:g} s{self._log_tail()}")
            # Pause, but not longer than the process runs.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_INTERVAL)

    def _ended(self, status: int) -> str:
        return f"{self._name} ended with status {status}{self._log_tail()}"

    def _log_tail(self) -> str:
        if self._log_file is None:
            return ""
        with self._log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return ":\n" + log.read().decode(errors="replace").strip()


def _signal_group(group: int, number: signal.Signals) -> None:
    # ProcessLookupError: all have ended. PermissionError: macOS, for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
