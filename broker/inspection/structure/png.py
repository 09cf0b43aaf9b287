"""The chunks of a PNG file (PNG third edition, section 5)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from broker.inspection.orientation import read_orientation
from broker.inspection.structure.mapped import corrupt

FRAME_CONTROL = 26
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Encoders write chunks of 8 KiB or more; 64 MiB are 8,192 of these.
_MAX_CHUNKS = 50_000
_MAX_EXIF = 65_535  # The directory of the image itself comes first.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# The first pixel of each pass of an interlaced image, and the steps to the next ones.
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: its type, and where its data is. Length and type precede it, a CRC follows."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The IHDR chunk.

    Attributes:
        pixel_bits: bits of one pixel.
        palette: whether the pixels are indexes into PLTE.
    """

    width: int
    height: int
    pixel_bits: int
    palette: bool
    interlaced: bool

    @property
    def data_size(self) -> int:
        """Return the length of the inflated image data. A byte before each row names its filter."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        size = 0
        for left, top, across, down in passes:
            width = -(-(self.width - left) // across)
            height = -(-(self.height - top) // down)
            if width > 0 and height > 0:
                size += height * (1 + -(-width * self.pixel_bits // 8))
        return size


def chunks(data: mmap) -> Iterator[Chunk]:
    """Yield the chunks before IEND. Raise Rejected if IEND is missing."""
    if data[:8] != SIGNATURE:
        raise corrupt("no PNG signature")
    at = 8
    for _ in range(_MAX_CHUNKS):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            raise corrupt("a chunk is cut off")
        if kind == b"IEND":
            return
        yield Chunk(kind, start, end)
        at = end + 4
    raise corrupt(f"more than {_MAX_CHUNKS} chunks")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return an encoded chunk."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def read_image_header(data: mmap, first: Chunk | None) -> ImageHeader:
    """Return what the first chunk says. Raise Rejected if it is no IHDR or makes no sense."""
    if first is None or first.kind != b"IHDR" or first.end - first.start != 13:
        raise corrupt("no image header")
    content = data[first.start : first.end]
    width, height = int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big")
    if not width or not height:
        raise corrupt("an image without pixels")
    depth, colour, compression, filters, interlace = content[8:]
    if depth not in _DEPTHS.get(colour, ()) or compression or filters or interlace > 1:
        raise corrupt("an image header of an unknown kind")
    return ImageHeader(width, height, depth * _CHANNELS[colour], colour == 3, interlace == 1)


def png_orientation(data: mmap, exif: Chunk) -> int:
    """Return the orientation in an eXIf chunk."""
    return read_orientation(data[exif.start : min(exif.end, exif.start + _MAX_EXIF)])
