"""`python -m benchmarks.field.relay`: carry packets between two TUN devices as a link would.

`phone.py` runs it in the phone's network namespace. The device of the servers' side is an inherited
file, the device of the phone is created here. The namespace and both devices end with this process,
also when it is killed. It ends when its standard input is closed.

Each line of standard input is a command as JSON, and each is answered by a line with the counters:
`{"cut": 10}` stops all packets for ten seconds, `{}` does nothing.
"""

import argparse
import contextlib
import json
import os
import select
import sys
import time
from dataclasses import asdict

from benchmarks.field import tun
from benchmarks.field.shaping import Direction

DEVICE = "phone0"
SERVERS = "127.0.0.1"
AT_ONCE = 64  # packets of one device before the other gets its turn
LONGEST_PACKET = 2048
STDIN = 0


class Relay:
    """Two devices, a direction between them each way, and a cut."""

    def __init__(self, servers: int, phone: int, up: Direction, down: Direction) -> None:
        self._ways = {phone: (up, servers), servers: (down, phone)}
        self._named = {"up": up, "down": down}
        self._cut_until = 0.0

    def run(self) -> None:
        """Carry packets until standard input is closed."""
        files = [*self._ways, STDIN]
        while True:
            self._deliver()
            ready, _, _ = select.select(files, [], [], self._seconds_to_wait())
            if STDIN in ready and not self._obey(os.read(STDIN, 4096)):
                return
            for file in ready:
                if file != STDIN:
                    self._take(file)

    def _take(self, file: int) -> None:
        direction, _ = self._ways[file]
        with contextlib.suppress(BlockingIOError):
            for _ in range(AT_ONCE):
                packet = os.read(file, LONGEST_PACKET)
                now = time.monotonic()
                if now < self._cut_until:
                    direction.cut(packet)
                else:
                    direction.offer(packet, now)

    def _deliver(self) -> None:
        for direction, to in self._ways.values():
            for packet in direction.arrived(time.monotonic()):
                os.write(to, packet)

    def _seconds_to_wait(self) -> float | None:
        times = [direction.next_arrival() for direction, _ in self._ways.values()]
        known = [each for each in times if each is not None]
        return max(0.0, min(known) - time.monotonic()) if known else None

    def _obey(self, commands: bytes) -> bool:
        """Execute commands, and answer each. Return False if there are no more."""
        for line in commands.splitlines():
            command = json.loads(line)
            if "cut" in command:
                self._cut_until = time.monotonic() + command["cut"]
                for direction in self._named.values():
                    direction.cut()
            counters = {name: asdict(of.counters) for name, of in self._named.items()}
            sys.stdout.write(json.dumps(counters) + "\n")
            sys.stdout.flush()
        return bool(commands)


def main() -> None:
    """Create the phone's device, say so, and carry packets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers-file", type=int, required=True, help="the other device's file")
    parser.add_argument("--servers-address", required=True)
    parser.add_argument("--phone-address", required=True)
    for name in ("up-bits", "down-bits", "delay", "loss", "queue-seconds"):
        parser.add_argument(f"--{name}", type=float, required=True)
    options = parser.parse_args()
    with contextlib.suppress(PermissionError):
        # A packet that the relay reads late is late for everybody. It uses a small part of a core.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    phone = tun.open_tun(DEVICE)
    tun.bring_up(DEVICE, options.phone_address, options.servers_address)
    # The namespace has no loopback interface, so 127.0.0.1 is an address like any other.
    tun.run(*tun.route(SERVERS, DEVICE, options.phone_address))
    ways = [
        Direction(
            bits=bits,
            delay_s=options.delay,
            loss=options.loss,
            queue_bytes=options.queue_seconds * bits / 8,
            seed=seed,
        )
        for seed, bits in enumerate((options.up_bits, options.down_bits), 1)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Relay(options.servers_file, phone, ways[0], ways[1]).run()


if __name__ == "__main__":
    main()
