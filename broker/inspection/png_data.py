"""The compressed pixels of a PNG file: where they end.

Decoders ignore what follows the last row in the IDAT chunks. Inflating shows where that begins; it
takes as long as decoding does, about 15 ms for a megapixel.
"""

import zlib
from mmap import mmap

from broker.inspection.structure.mapped import corrupt
from broker.inspection.structure.png import Chunk, chunk

_INPUT = 16 * 1024
_OUTPUT = 256 * 1024


class ImageData:
    """Follows the zlib stream in the IDAT chunks of one image.

    Args:
        size: the length of the inflated data.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._inflater = zlib.decompressobj()

    def end_in(self, data: mmap, one: Chunk) -> int:
        """Return the end of the image's data in the next IDAT chunk.

        Raise Rejected if the stream is broken, or longer than the image.
        """
        at = one.start
        while at < one.end and not self._inflater.eof:
            piece = data[at : min(one.end, at + _INPUT)]
            at += len(piece)
            self._inflate(piece)
        return at - len(self._inflater.unused_data) if at > one.start else one.start

    def finish(self) -> None:
        """Raise Rejected if the stream ended before the last row."""
        if self._left or not self._inflater.eof:
            raise corrupt("the image data is incomplete")

    def _inflate(self, piece: bytes) -> None:
        while piece:
            try:
                self._left -= len(self._inflater.decompress(piece, _OUTPUT))
            except zlib.error:
                raise corrupt("the image data cannot be inflated") from None
            if self._left < 0:
                raise corrupt("more image data than the image has")
            piece = self._inflater.unconsumed_tail


def image_chunk(data: mmap, one: Chunk, end: int) -> bytes:
    """Return an IDAT chunk without the data after `end`, or nothing if none is left."""
    return chunk(b"IDAT", data[one.start : end]) if end > one.start else b""
