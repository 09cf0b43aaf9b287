"""The boxes of HEIF and AVIF files (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from broker.inspection.structure.mapped import corrupt

# The properties of an image of 48 megapixels from a phone are about 30 boxes.
_MAX_BOXES = 1_000


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, and where its content is."""

    kind: bytes
    start: int
    end: int


def boxes(data: mmap, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes in a part of a file. Raise Rejected if there are too many."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        length, content = int.from_bytes(data[start : start + 4], "big"), start + 8
        if length == 1:
            length, content = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        box_end = start + length if length else end  # A length of 0 means up to the end.
        if box_end < content or box_end > end:
            raise corrupt("a box is cut off")
        yield Box(data[start + 4 : start + 8], content, box_end)
        start = box_end
    raise corrupt(f"more than {_MAX_BOXES} boxes")


def brands(head: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the major brand and the compatible brands of a file, from its first bytes.

    Return an empty major brand if the file does not start with an `ftyp` box.
    """
    size = int.from_bytes(head[:4], "big")
    if head[4:8] != b"ftyp" or size < 16:
        return b"", ()
    end = min(size, len(head))
    return head[8:12], tuple(head[at : at + 4] for at in range(16, end - 3, 4))


class Fields:
    """Reads numbers from a box, one after the other. Raise Rejected if the box ends before."""

    def __init__(self, data: mmap, box: Box) -> None:
        self._data, self._at, self._end = data, box.start, box.end

    def number(self, size: int) -> int:
        """Return the next number, of that many bytes."""
        at, self._at = self._at, self._at + size
        if self._at > self._end:
            raise corrupt("a box is too short")
        return int.from_bytes(self._data[at : self._at], "big")

    def version(self) -> tuple[int, int]:
        """Return version and flags of a full box."""
        return self.number(1), self.number(3)
