"""The header of a WebP file, animated or not."""

from mmap import mmap
from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.structure.mapped import corrupt, mapped
from broker.inspection.structure.webp import (
    ANIMATION_FLAG,
    FRAME_HEADER,
    Chunk,
    bitstream_size,
    canvas_size,
    chunks,
    riff_end,
)


def read_header(path: Path, max_frames: int) -> Header:
    """Return the header of a WebP file.

    Its orientation is always 1: browsers ignore the one in its EXIF data.
    """
    frames = 0
    still = False
    with mapped(path) as data:
        found = chunks(data, 12, riff_end(data))
        first = next(found, None)
        if first is None:
            raise corrupt("no image")
        if first.kind != b"VP8X":
            width, height = bitstream_size(data, first)
            return Header(width=width, height=height)
        width, height = canvas_size(data[first.start : first.start + 10])
        animated = data[first.start] & ANIMATION_FLAG
        for one in found:
            if one.kind == b"ANMF" and animated:
                frames += 1
                if frames > max_frames:
                    break
                _check_frame(data, one, width, height)
            elif one.kind in (b"VP8 ", b"VP8L") and not animated:
                still = True
                if bitstream_size(data, one) != (width, height):
                    raise corrupt("an image of another size than its canvas")
    if not frames and not still:
        raise corrupt("no image")
    return Header(width=width, height=height, frames=max(1, frames))


def _check_frame(data: mmap, frame: Chunk, width: int, height: int) -> None:
    """Raise Rejected if a frame is not inside the canvas."""
    head = data[frame.start : frame.start + FRAME_HEADER]
    left, top, across, down = (int.from_bytes(head[at : at + 3], "little") for at in (0, 3, 6, 9))
    inside = 2 * left + across < width and 2 * top + down < height
    if frame.end - frame.start <= FRAME_HEADER or not inside:
        raise corrupt("a frame outside of the canvas")
