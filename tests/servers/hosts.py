"""Hosts of a network of their own: Linux network namespaces, each with its own clock.

`ip netns` of Debian's iproute2 makes them, which root may do. libfaketime changes the clock. A host
has a loopback interface only, and reaches this machine through proxies of the test that listen
there. A link between both would change the network of this machine, and browsers abort what they
load when that happens (net::ERR_NETWORK_CHANGED), also the browsers of other tests.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from broker.local.process import ServerNotInstalled

_CLONE_NEWNET = 0x40000000  # sched.h


@dataclass(frozen=True)
class Host:
    """A network namespace, and by how much its clock is apart from ours."""

    name: str
    clock: str

    @property
    def command(self) -> list[str]:
        """The beginning of a command that runs a program on this host. Its process id stays."""
        return [
            *("ip", "netns", "exec", self.name),
            *("env", f"LD_PRELOAD={libfaketime()}", f"FAKETIME={self.clock}"),
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]

    def listen(self) -> socket.socket:
        """Return a socket that listens at 127.0.0.1 of this host, on a free port."""
        # setns(2) moves one thread. A socket stays in the namespace that it was created in.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._listen).result()

    def _listen(self) -> socket.socket:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.name).open("rb") as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return socket.create_server(("127.0.0.1", 0), backlog=64)


def libfaketime() -> Path:
    """Return the library that changes the clock of a process."""
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return found
    raise ServerNotInstalled("libfaketime is missing: apt-get install faketime")


@contextlib.contextmanager
def host(number: int, clock: str) -> Iterator[Host]:
    """Create a host whose clock is apart by `clock`, such as `+10m`; remove it at the end.

    Args:
        number: another one for each host of this process.
        clock: an offset, as faketime(1) reads it.

    Raises:
        ServerNotInstalled: a program or the permission is missing.
    """
    if shutil.which("ip") is None:
        raise ServerNotInstalled("`ip` is missing: apt-get install iproute2")
    libfaketime()
    name = f"broker-{os.getpid()}-{number}"
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield Host(name, clock)
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        refused = done.stderr.strip().splitlines()
        raise ServerNotInstalled(
            f"network namespaces are not possible here: `ip {' '.join(arguments)}`: "
            f"{refused[-1] if refused else done.returncode}"
        )
