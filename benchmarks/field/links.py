"""The three links that the field rows are measured on, and the time that a link allows."""

from dataclasses import dataclass

PACKET_BYTES = 1500
PAYLOAD_BYTES = 1448  # without the headers of IPv4 and TCP, and TCP's timestamps


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link between a phone and the servers.

    Args:
        name: as the table names it.
        up_bits: bits a second from the phone.
        down_bits: bits a second to the phone.
        rtt_s: the round-trip time of an empty link in seconds. Each direction has half of it.
        loss: the share of packets lost at random, in each direction.
        queue_s: how many seconds of its rate each direction queues. Further packets are dropped.
    """

    name: str
    up_bits: float
    down_bits: float
    rtt_s: float
    loss: float = 0.0
    queue_s: float = 0.25

    def shortest_seconds(self, payload_bytes: int) -> float:
        """Return how long the link needs to carry a payload from the phone in full packets."""
        return 8 * needed_bytes(payload_bytes) / self.up_bits / (1 - self.loss)


def needed_bytes(payload_bytes: int) -> float:
    """Return the bytes that a link must carry for a payload, in full packets."""
    return payload_bytes * PACKET_BYTES / PAYLOAD_BYTES


MOBILE = Link(name="20 Mbit/s, 60 ms", up_bits=20e6, down_bits=50e6, rtt_s=0.060)
WEAK = Link(name="5 Mbit/s, 150 ms, 1 % loss", up_bits=5e6, down_bits=20e6, rtt_s=0.150, loss=0.01)
FAST = Link(name="100 Mbit/s, 20 ms", up_bits=100e6, down_bits=100e6, rtt_s=0.020)
LINKS = (MOBILE, WEAK, FAST)
