"""The header of a PNG file, animated or not."""

from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.structure.mapped import corrupt, mapped
from broker.inspection.structure.png import (
    FRAME_CONTROL,
    ImageHeader,
    chunks,
    png_orientation,
    read_image_header,
)

# The highest ratio that deflate reaches: two bits for 258 bytes.
_DEFLATE_RATIO = 1032


def read_header(path: Path, max_frames: int) -> Header:
    """Return the header of a PNG file. Nothing is inflated."""
    frames = stated_frames = image_bytes = orientation = 0
    with mapped(path) as data:
        found = chunks(data)
        image = read_image_header(data, next(found, None))
        for one in found:
            length = one.end - one.start
            if one.kind == b"IDAT":
                image_bytes += length
            elif one.kind == b"acTL" and length == 8 and not image_bytes and not stated_frames:
                stated_frames = int.from_bytes(data[one.start : one.start + 4], "big")
            elif one.kind == b"fcTL" and length == FRAME_CONTROL and stated_frames:
                frames += 1
                if frames > max_frames:
                    break
                _check_frame(data[one.start : one.end], image)
            elif one.kind == b"eXIf" and not orientation:
                orientation = png_orientation(data, one)
    if frames != stated_frames and frames <= max_frames:
        raise corrupt(f"{frames} frames instead of {stated_frames}")
    return Header(
        width=image.width,
        height=image.height,
        frames=max(1, frames),
        orientation=orientation or 1,
        too_short=image_bytes * _DEFLATE_RATIO < image.data_size and frames <= max_frames,
    )


def _check_frame(control: bytes, image: ImageHeader) -> None:
    """Raise Rejected if a frame is not inside the image."""
    width, height, left, top = (
        int.from_bytes(control[at : at + 4], "big") for at in (4, 8, 12, 16)
    )
    inside = left + width <= image.width and top + height <= image.height
    if not width or not height or not inside:
        raise corrupt("a frame outside of the image")
