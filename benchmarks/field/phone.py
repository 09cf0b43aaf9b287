"""Run programs on a phone: in a network namespace that reaches the servers over one link only."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.field import tun
from benchmarks.field.links import Link
from benchmarks.field.relay import DEVICE
from benchmarks.servers import ROOT
from broker.local.process import ServerNotInstalled

STOP_SECONDS = 10
PROGRAMS = ("ip", "nsenter", "unshare")


class Phone:
    """A running link.

    Attributes:
        link: its rate, round-trip time and loss.
        servers_address: the address that the phone reaches the servers at.
    """

    def __init__(self, link: Link, relay: subprocess.Popen[str], servers: str, own: str) -> None:
        self.link = link
        self.servers_address = servers
        self._own_address = own
        self._relay = relay

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs another command on the phone."""
        return ["nsenter", f"--net=/proc/{self._relay.pid}/ns/net", *command]

    def cut(self, seconds: float) -> None:
        """Lose all packets for a while, as in a tunnel. Return at once."""
        self._ask({"cut": seconds})

    def counters(self) -> dict[str, dict[str, int]]:
        """Return the counters of both directions, `up` and `down`; see `shaping.Counters`."""
        return self._ask({})

    def change_network(self, seconds: float) -> None:
        """Remove the phone's address, and add it again later. Return when it is there."""
        own, servers = self._own_address, self.servers_address
        self._ip("addr", "del", own, "peer", servers, "dev", DEVICE)
        time.sleep(seconds)
        self._ip("addr", "add", own, "peer", servers, "dev", DEVICE)
        self._ip("route", "replace", servers, "dev", DEVICE, "src", own, "congctl", "cubic")
        self._ip("route", "replace", "default", "dev", DEVICE, "src", own)

    def _ip(self, *arguments: str) -> None:
        argv = self.argv(["ip", *arguments])
        subprocess.run(argv, check=True, capture_output=True, timeout=20)

    def _ask(self, command: dict[str, float]) -> dict[str, Any]:
        assert self._relay.stdin is not None
        assert self._relay.stdout is not None
        self._relay.stdin.write(json.dumps(command) + "\n")
        self._relay.stdin.flush()
        return dict(json.loads(self._relay.stdout.readline()))


def missing() -> str | None:
    """Return what this machine lacks for a link, in one line, or None."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} of iproute2 and util-linux"
    if not os.access(tun.DEVICE, os.R_OK | os.W_OK):
        return f"access to {tun.DEVICE}"
    return None if os.geteuid() == 0 else "root, for a network namespace"


@contextlib.contextmanager
def phone(link: Link) -> Iterator[Phone]:
    """Run a link until the block ends; raise ServerNotInstalled if the machine cannot.

    Nothing is left behind, also if this process is killed: the relay ends when its standard input
    is closed, and with it the namespace, both devices and their routes.
    """
    if lacks := missing():
        raise ServerNotInstalled(f"the shaped link needs {lacks}")
    servers, own = _addresses(os.getpid())
    name = f"field{os.getpid()}"
    device = tun.open_tun(name)
    try:
        tun.bring_up(name, servers, own)
        relay = _relay(link, device, servers, own)
    finally:
        os.close(device)
    try:
        assert relay.stdout is not None
        if relay.stdout.readline() != "ready\n":
            raise ServerNotInstalled("the relay of the shaped link did not start; see its error")
        yield Phone(link, relay, servers, own)
    finally:
        assert relay.stdin is not None
        relay.stdin.close()
        try:
            relay.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            relay.kill()
            relay.wait()


def _addresses(number: int) -> tuple[str, str]:
    """Return two addresses of 198.18.0.0/15, which RFC 2544 reserves for benchmarks."""
    first = (198 << 24 | 18 << 16) + number % 2**15 * 4
    servers, own = (
        ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
        for address in (first + 1, first + 2)
    )
    return servers, own


def _relay(link: Link, device: int, servers: str, own: str) -> subprocess.Popen[str]:
    # fmt: off
    argv = [
        "unshare", "--net", sys.executable, "-m", "benchmarks.field.relay",
        "--servers-file", str(device), "--servers-address", servers, "--phone-address", own,
        "--up-bits", str(link.up_bits), "--down-bits", str(link.down_bits),
        "--delay", str(link.rtt_s / 2), "--loss", str(link.loss),
        "--queue-seconds", str(link.queue_s),
    ]
    # fmt: on
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        pass_fds=[device],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C must not end the link before its users
    )
