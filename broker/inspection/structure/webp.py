"""The chunks of a WebP file (RFC 9649, section 2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from broker.inspection.structure.mapped import corrupt

# A frame has two chunks, a file a few more than it has frames.
MAX_CHUNKS = 20_000
MAX_FRAME_CHUNKS = 16
FRAME_HEADER = 16
ALPHA_FLAG, ANIMATION_FLAG, ICC_FLAG = 0x10, 0x02, 0x20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: its type, and where its data is. Type and length precede it."""

    kind: bytes
    start: int
    end: int


def riff_end(data: mmap) -> int:
    """Return the end of the RIFF container. Raise Rejected if the file ends before it."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise corrupt("no WebP header")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) + 1:
        raise corrupt("the file is cut off")
    return min(end, len(data))


def chunks(data: mmap, start: int, end: int, limit: int = MAX_CHUNKS) -> Iterator[Chunk]:
    """Yield the chunks in a part of a file. Raise Rejected if there are more than the limit."""
    for _ in range(limit):
        if start + 8 > end:
            return
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        found = Chunk(data[start : start + 4], start + 8, start + 8 + length)
        if found.end > end:
            raise corrupt("a chunk is cut off")
        yield found
        start = found.end + (length & 1)
    raise corrupt(f"more than {limit} chunks")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return an encoded chunk. An odd length is padded."""
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) & 1)


def bitstream_size(data: mmap, image: Chunk) -> tuple[int, int]:
    """Return width and height from a VP8 (RFC 6386, section 9.1) or VP8L chunk."""
    head = data[image.start : min(image.end, image.start + 10)]
    if image.kind == b"VP8 " and len(head) == 10 and head[3:6] == b"\x9d\x01\x2a":
        width = int.from_bytes(head[6:8], "little") & 0x3FFF
        height = int.from_bytes(head[8:10], "little") & 0x3FFF
    elif image.kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        raise corrupt("no image header")
    if not width or not height:
        raise corrupt("an image without pixels")
    return width, height


def canvas_size(extended: bytes) -> tuple[int, int]:
    """Return width and height from a VP8X chunk."""
    if len(extended) < 10:
        raise corrupt("a header is cut off")
    width, height = extended[4:7], extended[7:10]
    return 1 + int.from_bytes(width, "little"), 1 + int.from_bytes(height, "little")
