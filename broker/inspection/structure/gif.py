"""The blocks of a GIF file (GIF89a, section 12 and appendix A)."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from broker.inspection.structure.mapped import corrupt

IMAGE, EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF
# Encoders fill their sub-blocks: 64 MiB are 264,000 of these.
_MAX_SUB_BLOCKS = 500_000
# A frame has two blocks.
_MAX_BLOCKS = 20_000


@dataclass(frozen=True, slots=True)
class Block:
    """An image, or an extension of the format.

    Attributes:
        kind: IMAGE or EXTENSION.
        label: the kind of extension; 0 for an image.
        start, end: all bytes of the block.
        data: where its sub-blocks begin.
    """

    kind: int
    label: int
    start: int
    end: int
    data: int


def header_end(data: mmap) -> int:
    """Return the end of the header, the screen descriptor and the global colour table."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 13:
        raise corrupt("no GIF header")
    return 13 + _table_size(data[10])


def canvas_size(data: mmap) -> tuple[int, int]:
    """Return width and height of the canvas, which the specification calls the logical screen."""
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def blocks(data: mmap) -> Iterator[Block]:
    """Yield images and extensions. Raise Rejected if the last one is incomplete.

    The trailer may be missing, as it is in files of many encoders.
    """
    at, length = header_end(data), len(data)
    left = _MAX_SUB_BLOCKS
    for _ in range(_MAX_BLOCKS):
        if at >= length or data[at] == _TRAILER:
            return
        kind, start, label = data[at], at, 0
        if kind == IMAGE and at + 11 < length:
            at += 11 + _table_size(data[at + 9])  # The last byte is the code size of LZW.
        elif kind == EXTENSION and at + 2 < length:
            label = data[at + 1]
            at += 2
        else:
            raise corrupt("an unknown block")
        sub_blocks = at
        while at < length and left and (size := data[at]):
            at += 1 + size
            left -= 1
        if not left:
            raise corrupt(f"more than {_MAX_SUB_BLOCKS} sub-blocks")
        if at >= length:
            raise corrupt("a block is cut off")
        at += 1
        yield Block(kind, label, start, at, sub_blocks)
    raise corrupt(f"more than {_MAX_BLOCKS} blocks")


def _table_size(flags: int) -> int:
    """Return the length of a colour table, from the flags before it."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
