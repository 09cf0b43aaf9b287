"""Find and remove the bytes that a JPEG hides between its last MCU and its EOI marker.

A copier of segments cannot see where the data of the last MCU ends: only decoding the Huffman
codes shows it. The decoder is therefore fed by a `TailReader`, which knows how far it has read.
"""

import os
import re
from io import SEEK_SET
from pathlib import Path

_EOI = b"\xff\xd9"
# libjpeg reads at most 8 bytes further than the last MCU. The last bytes of the file go out in
# steps this small, so at most _STEP + 8 hidden bytes are kept.
_STEP = 8
_TAIL = 4096
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


class TailReader:
    """Reads a cleaned JPEG file for a decoder, and knows how far the decoder has read.

    `read` and `seek` are the handlers of a `pyvips.SourceCustom`.

    Attributes:
        read_to: how many bytes of the file, from its start, have been read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._at = 0
        self.read_to = 0

    def read(self, length: int) -> bytes:
        """Return the next bytes, at most `length`."""
        before_tail = self._size - _TAIL - self._at
        data = self._file.read(min(length, before_tail) if before_tail > 0 else _STEP)
        self._at += len(data)
        self.read_to = max(self.read_to, self._at)
        return data

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move to an offset and return it from the start of the file."""
        self._at = self._file.seek(offset, whence)
        return self._at

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def trim(path: Path, read_to: int) -> bool:
    """Remove what a decoder has not read of a JPEG file that `jpeg.clean` wrote.

    `read_to` is `TailReader.read_to` after all rows were decoded without a warning. Return
    whether the file has become shorter. Then decode it once more and trim it again, because the
    decoder reads up to 4 KiB at once.
    """
    if read_to >= path.stat().st_size - len(_EOI):
        return False
    with path.open("r+b") as file:
        file.truncate(read_to)
        file.seek(read_to)
        file.write(_EOI)
    return True


def hidden_bytes(warning: str) -> int | None:
    """Return how many bytes before the EOI marker libjpeg has skipped, from its warning.

    It warns for progressive files. Return None if the warning is another one, or if the bytes are
    before another marker: only encoding the image again removes those.
    """
    found = _EXTRANEOUS.search(warning)
    return int(found[1]) if found else None
