"""Read and check the headers of image files without a decoder, in bounded time and memory."""

from pathlib import Path

from broker.domain.rejections import RejectionReason
from broker.inspection.headers import jpeg
from broker.inspection.headers.header import Header
from broker.inspection.inspected import Rejected, Request

__all__ = ["Header", "check", "read_header"]

# All frames of an animation together may have as many pixels as this many images. A visitor's
# browser draws them all: 300 frames of 1920x1080 are 6.2 times the default of BROKER_MAX_PIXELS.
ANIMATION_FACTOR = 10


def read_header(path: Path, content_type: str, max_frames: int) -> Header:
    """Return the header of an image file of this detected type.

    Counting frames stops at `max_frames` + 1. Raise Rejected if the structure is broken, or if
    the data is far too short for the size that the header states.
    """
    if content_type == "image/jpeg":
        return jpeg.read_header(path)
    raise NotImplementedError


def check(header: Header, request: Request) -> None:
    """Raise Rejected if an image has too many pixels or frames for a request."""
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
