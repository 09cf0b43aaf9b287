"""A TUN device: a network interface that a process reads packets from and writes them to."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

DEVICE = "/dev/net/tun"
SETTINGS = Path("/proc/sys/net/ipv4/conf")
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
QUEUE_PACKETS = "2000"  # until the relay reads them; its own queue is what limits the link


def open_tun(name: str) -> int:
    """Create a device and return its file. The device exists until the file is closed."""
    file = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(file)
        raise
    return file


def bring_up(name: str, address: str, peer: str) -> None:
    """Set the address of the device, and let it carry packets from and to 127.0.0.1.

    The phone reaches the servers at 127.0.0.1, the address that they listen on. For browsers such
    a page is as secure as one with HTTPS.
    """
    (SETTINGS / name / "route_localnet").write_text("1")
    run("ip", "link", "set", name, "up", "mtu", "1500", "txqueuelen", QUEUE_PACKETS)
    run("ip", "addr", "add", address, "peer", peer, "dev", name)


def route(destination: str, name: str, address: str) -> list[str]:
    """Return the command that adds a route. Connections on it use cubic, as phones do."""
    route = [destination, "dev", name, "src", address, "congctl", "cubic"]
    return ["ip", "route", "replace", *route]


def forget_connections(address: str) -> None:
    """Delete what the kernel remembers about earlier connections to an address.

    It remembers round-trip times and congestion, and a new connection begins with them.
    """
    argv = ["ip", "tcp_metrics", "flush", address]
    subprocess.run(argv, capture_output=True, timeout=20, check=False)  # fails if there is nothing


def run(*argv: str) -> None:
    """Run a command; raise CalledProcessError."""
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=20)
