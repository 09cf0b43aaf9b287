"""Run the steps before decoding on bytes, as the worker runs them on a file."""

from dataclasses import dataclass
from pathlib import Path

from broker.domain.rejections import RejectionReason
from broker.inspection import formats, gif, headers, jpeg, png, webp
from broker.inspection.headers import Header
from broker.inspection.inspected import Rejected, Request

CLEAN = {
    "image/jpeg": jpeg.clean,
    "image/png": png.clean,
    "image/webp": webp.clean,
    "image/gif": gif.clean,
}
MAX_PIXELS = 100_000_000
MAX_FRAMES = 300


@dataclass(frozen=True)
class Before:
    """What is known of a file before it is decoded."""

    header: Header
    cleaned: bytes


def request(data: bytes, content_type: str, directory: Path) -> Request:
    """Write a file and return the request to inspect it."""
    source = directory / "source"
    source.write_bytes(data)
    return Request(
        source=source,
        directory=directory,
        content_type=content_type,
        max_pixels=MAX_PIXELS,
        max_frames=MAX_FRAMES,
        variant_widths=(320, 800),
    )


def before_decoding(data: bytes, content_type: str, directory: Path) -> Before:
    """Check and clean a file. HEIC and AVIF are only checked. Raise Rejected."""
    return check_and_clean(request(data, content_type, directory))


def check_and_clean(asked: Request) -> Before:
    """Check and clean the file of a request, as `before_decoding` does. Raise Rejected."""
    content_type, directory = asked.content_type, asked.directory
    detected = formats.detect(asked.source)
    if detected is None:
        raise Rejected(RejectionReason.NOT_AN_IMAGE)
    if not formats.same_type(content_type, detected):
        raise Rejected(RejectionReason.TYPE_MISMATCH)
    header = headers.read_header(asked.source, detected, MAX_FRAMES)
    headers.check(header, asked)
    if detected not in CLEAN:
        return Before(header, b"")
    target = directory / "target"
    CLEAN[detected](asked.source, target)
    return Before(header, target.read_bytes())


def clean(data: bytes, content_type: str, directory: Path) -> bytes:
    """Return a cleaned file. Raise Rejected."""
    return before_decoding(data, content_type, directory).cleaned


def pixels(data: bytes) -> bytes:
    """Return all decoded pixels of all frames. Raise pyvips.Error at a warning."""
    import pyvips

    frames = {"n": -1} if data[:4] in (b"GIF8", b"RIFF") else {}
    image = pyvips.Image.new_from_buffer(data, "", fail_on="warning", **frames)
    return bytes(image.write_to_memory())
