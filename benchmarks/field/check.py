"""`python -m benchmarks.field.check`: measure the links themselves, against their own figures."""

import argparse
import socket
import subprocess
import sys
import threading
import time

from benchmarks.field.links import LINKS, PACKET_BYTES, PAYLOAD_BYTES
from benchmarks.field.phone import Phone, phone
from benchmarks.field.relay import SERVERS
from benchmarks.servers import ROOT

# Runs on the phone: connect, then send for some seconds on some connections.
SENDER = """
import socket, sys, threading, time
host, port, connections, seconds = sys.argv[1], *map(int, sys.argv[2:])
def send():
    with socket.create_connection((host, port)) as own:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            own.sendall(bytes(65536))
threads = [threading.Thread(target=send) for _ in range(connections)]
for each in threads: each.start()
for each in threads: each.join()
"""
PINGER = """
import socket, sys, time
took = []
for _ in range(10):
    began = time.monotonic()
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5):
            took.append(time.monotonic() - began)
    except TimeoutError:
        pass
print(min(took) * 1000, sorted(took)[len(took) // 2] * 1000)
"""


def main() -> None:
    """Print for each link: ping, and what one and six connections carry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=15)
    seconds = parser.parse_args().seconds
    for link in LINKS:
        with phone(link) as running:
            allowed = link.up_bits * PAYLOAD_BYTES / PACKET_BYTES * (1 - link.loss) / 1e6
            sys.stdout.write(f"{link.name}: {allowed:.2f} Mbit/s of payload allowed\n")
            sys.stdout.write(f"  connect: {_connect(running)} ms (minimum and median)\n")
            for connections in (1, 6):
                rate, counters = _throughput(running, connections, seconds)
                sys.stdout.write(f"  {connections} connections: {rate:.2f} Mbit/s, {counters}\n")
            sys.stdout.flush()


def _connect(running: Phone) -> str:
    with socket.create_server((SERVERS, 0)) as server:
        port = server.getsockname()[1]
        argv = [sys.executable, "-c", PINGER, SERVERS, str(port)]
        ended = subprocess.run(
            running.argv(argv), capture_output=True, text=True, check=True, timeout=60
        )
        return " and ".join(f"{float(each):.1f}" for each in ended.stdout.split())


def _throughput(
    running: Phone, connections: int, seconds: int
) -> tuple[float, dict[str, int | float]]:
    """Return Mbit/s that the servers' side received from the first byte on, and counters."""
    received: list[tuple[float, int]] = []

    def receive(of: socket.socket) -> None:
        with of:
            while data := of.recv(1 << 20):
                received.append((time.monotonic(), len(data)))

    before = running.counters()["up"]
    with socket.create_server((SERVERS, 0), backlog=16) as server:
        port = server.getsockname()[1]
        argv = [sys.executable, "-c", SENDER, SERVERS, str(port)]
        argv += [str(connections), str(seconds)]
        sender = subprocess.Popen(running.argv(argv), cwd=ROOT)
        threads = []
        for _ in range(connections):
            threads.append(threading.Thread(target=receive, args=[server.accept()[0]]))
            threads[-1].start()
        sender.wait(seconds + 60)
        for each in threads:
            each.join(60)
    after = running.counters()["up"]
    first = received[0][0]
    counted = sum(size for at, size in received if at <= first + seconds)
    changed = {name: after[name] - before[name] for name in after}
    return 8 * counted / seconds / 1e6, changed


if __name__ == "__main__":
    main()
