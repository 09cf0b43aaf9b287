"""The header of a GIF file, animated or not."""

from mmap import mmap
from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.structure.gif import IMAGE, Block, blocks, canvas_size
from broker.inspection.structure.mapped import corrupt, mapped


def read_header(path: Path, max_frames: int) -> Header:
    """Return the header of a GIF file.

    The size is that of the canvas: libvips opens a canvas of 4000 x 4000 pixels with frames of
    1 x 1 pixel as an image of 1 x 1 pixel.
    """
    frames = 0
    with mapped(path) as data:
        found = blocks(data)
        width, height = canvas_size(data)
        for block in found:
            if block.kind == IMAGE:
                frames += 1
                if frames > max_frames:
                    break
                _check_frame(data, block, width, height)
    if not frames:
        raise corrupt("no image")
    return Header(width=width, height=height, frames=frames)


def _check_frame(data: mmap, image: Block, canvas_width: int, canvas_height: int) -> None:
    """Raise Rejected if a frame is not inside the canvas."""
    left, top, width, height = (
        int.from_bytes(data[image.start + at : image.start + at + 2], "little")
        for at in (1, 3, 5, 7)
    )
    inside = left + width <= canvas_width and top + height <= canvas_height
    if not width or not height or not inside:
        raise corrupt("a frame outside of the canvas")
