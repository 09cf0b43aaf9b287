"""The segments of a JPEG file (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from broker.inspection.structure.mapped import corrupt, forget

SOI, EOI, SOS, DQT, DHT, DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
# Baseline, extended and progressive, by Huffman codes. Browsers decode no other process.
SOF_DECODED = frozenset({0xC0, 0xC1, 0xC2})
SOF_OTHER = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})

# The largest photo seen had 120 segments: the parts of a long XMP packet.
_MAX_SEGMENTS = 5_000
# Bytes between two segments, such as padding.
_MAX_GAP = 64 * 1024
_WINDOW = 4 * 1024 * 1024
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# In entropy-coded data FF 00 stands for FF, and FF D0 to FF D7 restart the decoder.
_END_OF_DATA = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its marker's second byte, and where its parameters and its data are.

    Attributes:
        start, end: the parameters, without marker and length.
        data_end: the end of the entropy-coded data that follows a SOS segment; otherwise `end`.
    """

    marker: int
    start: int
    end: int
    data_end: int


def segment(marker: int, parameters: bytes) -> bytes:
    """Return an encoded segment."""
    return bytes([0xFF, marker]) + (len(parameters) + 2).to_bytes(2, "big") + parameters


def segments(data: mmap) -> Iterator[Segment]:
    """Yield the segments between SOI and EOI of the first image in a file.

    Bytes outside of segments are skipped, as decoders do. Raise Rejected if EOI is missing.
    """
    if data[:2] != bytes([0xFF, SOI]):
        raise corrupt("no SOI marker")
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at, at + _MAX_GAP)
        if not found:
            raise corrupt("no EOI marker")
        marker, start = data[found.end() - 1], found.end() + 2
        if marker == EOI:
            return
        if marker == 0x01 or 0xD0 <= marker <= SOI:
            at = found.end()  # TEM, RST and SOI have no parameters.
            continue
        length = int.from_bytes(data[start - 2 : start], "big")
        end = start - 2 + length
        if length < 2 or end > len(data):
            raise corrupt(f"segment {marker:#x} is cut off")
        at = _data_end(data, end) if marker == SOS else end
        yield Segment(marker, start, end, at)
    raise corrupt(f"more than {_MAX_SEGMENTS} segments")


def _data_end(data: mmap, start: int) -> int:
    """Return the end of a scan's data. Its pages do not stay in memory."""
    while start < len(data) - 1:
        end = min(len(data), start + _WINDOW)
        if found := _END_OF_DATA.search(data, start, end):
            return found.start()
        forget(data, start, end)
        start = end - 1  # A marker may begin with the last byte.
    raise corrupt("no marker after the data of a scan")
