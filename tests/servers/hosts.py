"""Hosts of a network of their own: Linux network namespaces, each with its own clock.

`ip netns` of Debian's iproute2 makes them, which root may do. libfaketime changes the clock.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broker.local.process import ServerNotInstalled

# Addresses for tests of networks (RFC 2544), two for each host.
NETWORK = "198.18"


@dataclass(frozen=True)
class Host:
    """A network namespace. Its programs reach this machine at `gateway`."""

    name: str
    gateway: str
    clock: str

    @property
    def command(self) -> list[str]:
        """The beginning of a command that runs a program on this host. Its process id stays."""
        return [
            *("ip", "netns", "exec", self.name),
            *("env", f"LD_PRELOAD={libfaketime()}", f"FAKETIME={self.clock}"),
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]


def libfaketime() -> Path:
    """Return the library that changes the clock of a process."""
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return found
    raise ServerNotInstalled("libfaketime is missing: apt-get install faketime")


@contextlib.contextmanager
def host(number: int, clock: str) -> Iterator[Host]:
    """Create a host whose clock is apart by `clock`, such as `+10m`; remove it at the end.

    Args:
        number: from 0 to 63, another one for each host of this process.
        clock: an offset, as faketime(1) reads it.

    Raises:
        ServerNotInstalled: a program or the permission is missing.
    """
    if shutil.which("ip") is None:
        raise ServerNotInstalled("`ip` is missing: apt-get install iproute2")
    libfaketime()
    own = os.getpid() % 65_536
    name, outside, inside = f"broker-{own}-{number}", f"bh{own}-{number}", f"bn{own}-{number}"
    first = f"{NETWORK}.{own % 256}.{number * 4 + 1}"
    second = f"{NETWORK}.{own % 256}.{number * 4 + 2}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        _ip("addr", "add", f"{first}/30", "dev", outside)
        _ip("link", "set", outside, "up")
        _ip("-n", name, "addr", "add", f"{second}/30", "dev", inside)
        _ip("-n", name, "link", "set", inside, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Host(name, first, clock)
    finally:
        _ip("netns", "del", name)  # the link goes with it


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        refused = done.stderr.strip().splitlines()
        raise ServerNotInstalled(
            f"network namespaces are not possible here: `ip {' '.join(arguments)}`: "
            f"{refused[-1] if refused else done.returncode}"
        )
