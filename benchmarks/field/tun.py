"""A TUN device: a network interface that a process reads packets from and writes them to."""

import fcntl
import os
import struct
import subprocess

DEVICE = "/dev/net/tun"
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
    """Give the device its address. Connections on it use cubic, as phones do."""
    ip("link", "set", name, "up", "mtu", "1500", "txqueuelen", QUEUE_PACKETS)
    ip("addr", "add", address, "peer", peer, "dev", name)
    use_cubic(name, address, peer)


def use_cubic(name: str, address: str, peer: str) -> None:
    """Choose the congestion control of the route, whatever the machine's default is."""
    ip("route", "replace", peer, "dev", name, "src", address, "congctl", "cubic")


def ip(*arguments: str) -> None:
    """Run `ip`; raise CalledProcessError, which contains its message."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=20)
