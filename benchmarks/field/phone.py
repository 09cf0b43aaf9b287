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
from benchmarks.field.relay import DEVICE, SERVERS
from benchmarks.servers import ROOT
from broker.local.process import ServerNotInstalled

PROGRAMS = ("ip", "ss", "nsenter", "unshare")


class Phone:
    """A running link. The phone reaches the servers at 127.0.0.1, over the link.

    Attributes:
        link: its rate, round-trip time and loss.
    """

    def __init__(self, link: Link, relay: subprocess.Popen[str], servers: str, own: str) -> None:
        self.link = link
        self._servers = servers
        self._own = own
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
        """Remove the phone's address, and add it again later. Return when it is there.

        As on Android, all connections end with the address.
        """
        address = [self._own, "peer", self._servers, "dev", DEVICE]
        tun.run(*self.argv(["ip", "addr", "del", *address]))
        tun.run(*self.argv(["ss", "--kill", "--tcp"]))
        time.sleep(seconds)
        tun.run(*self.argv(["ip", "addr", "add", *address]))
        tun.run(*self.argv(tun.route(SERVERS, DEVICE, self._own)))

    def _ask(self, command: dict[str, float]) -> dict[str, Any]:
        commands, answers = self._relay.stdin, self._relay.stdout
        if commands is None or answers is None:
            raise ValueError("the relay has no pipes")
        commands.write(json.dumps(command) + "\n")
        commands.flush()
        return dict(json.loads(answers.readline()))


def forbidden() -> str | None:
    """Return what this machine does not permit that a link needs, in one line, or None."""
    if not os.access(tun.DEVICE, os.R_OK | os.W_OK):
        return f"access to {tun.DEVICE}"
    return None if os.geteuid() == 0 else "root, for a network namespace"


def check_link() -> None:
    """Raise ServerNotInstalled if this machine cannot run a link."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    lacks = f"{', '.join(absent)} of iproute2 and util-linux" if absent else forbidden()
    if lacks:
        raise ServerNotInstalled(f"the shaped link needs {lacks}")


@contextlib.contextmanager
def phone(link: Link) -> Iterator[Phone]:
    """Run a link until the block ends; raise ServerNotInstalled if the machine cannot.

    Nothing is left behind, also if this process is killed: the relay ends when its standard input
    is closed, and with it the namespace, both devices and their routes.
    """
    check_link()
    servers, own = _addresses(os.getpid())
    tun.forget_connections(own)
    name = f"field{os.getpid()}"
    device = tun.open_tun(name)
    try:
        tun.bring_up(name, servers, own)
        tun.run(*tun.route(own, name, servers))
        relay = _relay(link, device, servers, own)
    finally:
        os.close(device)
    try:
        if relay.stdout is None or relay.stdout.readline() != "ready\n":
            raise ServerNotInstalled("the relay of the shaped link did not start; see its error")
        yield Phone(link, relay, servers, own)
    finally:
        relay.kill()  # it stores nothing
        relay.communicate()


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
