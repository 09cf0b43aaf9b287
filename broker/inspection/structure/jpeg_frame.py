"""The frame header and the scan headers of a JPEG file (ITU-T T.81, B.2.2 and B.2.3)."""

from dataclasses import dataclass

from broker.inspection.structure.mapped import corrupt

PROGRESSIVE = 0xC2


@dataclass(frozen=True, slots=True)
class Component:
    """A component of an image: its sampling factors and its quantization table."""

    horizontal: int
    vertical: int
    quantization: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame header.

    Attributes:
        width, height: in pixels.
        components: by their identifiers.
        encoded: the parameters, as they are in the file.
    """

    marker: int
    width: int
    height: int
    components: dict[int, Component]
    encoded: bytes

    @property
    def blocks(self) -> int:
        """Return how many blocks of 8x8 samples the image has, without those that fill MCUs up."""
        across = max(component.horizontal for component in self.components.values())
        down = max(component.vertical for component in self.components.values())
        return sum(
            -(-self.width * component.horizontal // (8 * across))
            * -(-self.height * component.vertical // (8 * down))
            for component in self.components.values()
        )


def read_frame(marker: int, encoded: bytes) -> Frame:
    """Return a frame header from its parameters."""
    count = encoded[5] if len(encoded) > 5 else 0
    if len(encoded) != 6 + 3 * count or count not in (1, 3, 4) or encoded[0] != 8:
        raise corrupt("a frame header that browsers do not decode")
    components = {}
    for at in range(6, len(encoded), 3):
        sampling = encoded[at + 1]
        components[encoded[at]] = Component(sampling >> 4, sampling & 15, encoded[at + 2])
        if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
            raise corrupt("a sampling factor out of range")
    height, width = int.from_bytes(encoded[1:3], "big"), int.from_bytes(encoded[3:5], "big")
    if len(components) != count or not width or not height:
        raise corrupt("a frame without pixels")
    return Frame(marker, width, height, components, encoded)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan header: the tables that its data needs.

    Attributes:
        quantization: the identifiers of quantization tables.
        huffman: class and identifier of Huffman tables, as DHT encodes them.
    """

    quantization: frozenset[int]
    huffman: frozenset[int]


def read_scan(frame: Frame, encoded: bytes) -> Scan:
    """Return a scan header from its parameters."""
    count = encoded[0] if encoded else 0
    if len(encoded) != 4 + 2 * count or not 1 <= count <= 4:
        raise corrupt("a scan header of a wrong length")
    first_coefficient = encoded[1 + 2 * count]
    quantization, huffman = set(), set()
    for at in range(1, 1 + 2 * count, 2):
        component = frame.components.get(encoded[at])
        if component is None:
            raise corrupt("a scan of an unknown component")
        quantization.add(component.quantization)
        if frame.marker != PROGRESSIVE or first_coefficient == 0:
            huffman.add(encoded[at + 1] >> 4)
        if frame.marker != PROGRESSIVE or first_coefficient > 0:
            huffman.add(0x10 | encoded[at + 1] & 15)
    return Scan(frozenset(quantization), frozenset(huffman))
