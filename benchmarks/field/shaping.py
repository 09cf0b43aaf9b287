"""One direction of a link: rate, queue, delay and loss. It opens nothing and reads no clock."""

import random
from collections import deque
from dataclasses import dataclass


@dataclass(kw_only=True)
class Counters:
    """What happened to the packets of one direction, in packets and in bytes with all headers.

    `bytes_sent` is what used the link's time: it includes lost packets, but not dropped ones.
    """

    packets_sent: int = 0
    bytes_sent: int = 0
    packets_lost: int = 0
    packets_dropped: int = 0
    packets_cut: int = 0


class Direction:
    """Packets that wait for the link, one after the other, and then travel.

    Args:
        bits: bits a second.
        delay_s: seconds that a packet travels after its last bit was sent.
        loss: the share of packets that are sent, but do not arrive.
        queue_bytes: a packet that finds more bytes waiting is dropped.
        seed: for the choice of the lost packets.
    """

    def __init__(
        self, *, bits: float, delay_s: float, loss: float, queue_bytes: float, seed: int
    ) -> None:
        self.counters = Counters()
        self._seconds_per_byte = 8 / bits
        self._delay = delay_s
        self._loss = loss
        self._queue = queue_bytes * self._seconds_per_byte
        self._random = random.Random(seed)  # noqa: S311 - the same losses in each run
        self._free_at = 0.0
        self._travelling: deque[tuple[float, bytes]] = deque()

    def offer(self, packet: bytes, now: float) -> None:
        """Queue a packet, or drop it if the queue is full."""
        takes = len(packet) * self._seconds_per_byte
        begins = max(now, self._free_at)
        if begins + takes - now > self._queue:
            self.counters.packets_dropped += 1
            return
        self._free_at = begins + takes
        self.counters.packets_sent += 1
        self.counters.bytes_sent += len(packet)
        if self._random.random() < self._loss:
            self.counters.packets_lost += 1
            return
        self._travelling.append((self._free_at + self._delay, packet))

    def arrived(self, now: float) -> list[bytes]:
        """Return the packets that have arrived, in their order."""
        packets = []
        while self._travelling and self._travelling[0][0] <= now:
            packets.append(self._travelling.popleft()[1])
        return packets

    def next_arrival(self) -> float | None:
        """Return when the next packet arrives, or None."""
        return self._travelling[0][0] if self._travelling else None

    def cut(self, packet: bytes | None = None) -> None:
        """Lose everything on the way, and a packet that was offered during a cut."""
        self.counters.packets_cut += len(self._travelling) + (packet is not None)
        self._travelling.clear()
        self._free_at = 0.0
