"""The header of a PNG file, animated or not."""

from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.structure.mapped import corrupt, mapped
from broker.inspection.structure.png import ImageHeader, chunks, png_orientation, read_image_header

# The highest ratio that deflate reaches: two bits for 258 bytes.
_DEFLATE_RATIO = 1032


def read_header(path: Path, max_frames: int) -> Header:
    """Return the header of a PNG file. Nothing is inflated."""
    image: ImageHeader | None = None
    frames = image_bytes = 0
    stated_frames = 1
    orientation = 0
    with mapped(path) as data:
        for found in chunks(data):
            if image is None:
                if found.kind != b"IHDR":
                    raise corrupt("no image header")
                image = read_image_header(data[found.start : found.end])
            elif found.kind == b"IDAT":
                image_bytes += found.end - found.start
            elif found.kind == b"acTL" and not image_bytes:
                stated_frames = int.from_bytes(data[found.start : found.start + 4], "big")
            elif found.kind == b"fcTL":
                frames += 1
                if frames > max_frames:
                    break
                _check_frame(data[found.start : found.end], image)
            elif found.kind == b"eXIf" and not orientation:
                orientation = png_orientation(data, found)
    if image is None:
        raise corrupt("no image header")
    frames = max(1, frames)
    if frames != stated_frames and frames <= max_frames:
        raise corrupt(f"{frames} frames instead of {stated_frames}")
    return Header(
        width=image.width,
        height=image.height,
        frames=frames,
        orientation=orientation or 1,
        too_short=image_bytes * _DEFLATE_RATIO < image.data_size and frames <= max_frames,
    )


def _check_frame(control: bytes, image: ImageHeader) -> None:
    """Raise Rejected if a frame is not inside the image."""
    width, height, left, top = (
        int.from_bytes(control[at : at + 4], "big") for at in (4, 8, 12, 16)
    )
    inside = left + width <= image.width and top + height <= image.height
    if len(control) != 26 or not width or not height or not inside:
        raise corrupt("a frame outside of the image")
