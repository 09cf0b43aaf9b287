"""Read and check the headers of image files without a decoder, in bounded time and memory."""

from pathlib import Path

from broker.domain.rejections import RejectionReason
from broker.inspection.headers import gif, heif, jpeg, png, webp
from broker.inspection.headers.header import Header
from broker.inspection.inspected import Rejected, Request

__all__ = ["Header", "check", "read_header"]

# All frames of an animation together may have as many pixels as this many images. A visitor's
# browser draws them all: 300 frames of 1920x1080 are 6.2 times the default of BROKER_MAX_PIXELS.
ANIMATION_FACTOR = 10


def read_header(path: Path, content_type: str, max_frames: int) -> Header:
    """Return the header of an image file of this detected type.

    Counting frames stops at `max_frames` + 1. Raise Rejected if the structure is broken.
    """
    match content_type:
        case "image/jpeg":
            return jpeg.read_header(path)
        case "image/png":
            return png.read_header(path, max_frames)
        case "image/webp":
            return webp.read_header(path, max_frames)
        case "image/gif":
            return gif.read_header(path, max_frames)
        case _:
            return heif.read_header(path)


def check(header: Header, request: Request) -> None:
    """Raise Rejected if an image has too many pixels or frames, or if its file is too short."""
    pixels = header.width * header.height
    if pixels > request.max_pixels:
        raise Rejected(RejectionReason.TOO_MANY_PIXELS, f"{header.width} x {header.height} pixels")
    if header.frames > request.max_frames:
        raise Rejected(RejectionReason.TOO_MANY_FRAMES, f"more than {request.max_frames} frames")
    if header.frames > 1 and pixels * header.frames > request.max_pixels * ANIMATION_FACTOR:
        raise Rejected(
            RejectionReason.TOO_MANY_PIXELS,
            f"{header.frames} frames of {header.width} x {header.height} pixels",
        )
    if header.too_short:
        raise Rejected(RejectionReason.CORRUPT, "too little data for that many pixels")
