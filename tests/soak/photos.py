"""Genuine photos, and what a worker publishes of them."""

import hashlib
import tempfile
from functools import cache
from pathlib import Path

import pyvips

from broker.inspection.inspect import inspect
from broker.inspection.inspected import Request

WIDTH, HEIGHT = 64, 48
VARIANTS = (16, 32)
PICTURES = 100
# A comment, which a worker removes.
COMMENT = b"\xff\xfe"
LENGTH_BYTES = 2


@cache
def picture(number: int) -> bytes:
    """Return the JPEG of a noisy picture."""
    noise = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=40, mean=128, seed=number)
    data: bytes = noise.cast("uchar").copy(interpretation="b-w").jpegsave_buffer(Q=90)
    return data


@cache
def published_md5(number: int) -> str:
    """Return the MD5 of what a worker publishes of a picture."""
    with tempfile.TemporaryDirectory() as directory:
        source, results = Path(directory) / "source", Path(directory) / "results"
        source.write_bytes(picture(number))
        results.mkdir()
        request = Request(
            source=source,
            directory=results,
            content_type="image/jpeg",
            max_pixels=WIDTH * HEIGHT,
            max_frames=1,
            variant_widths=(),
        )
        data = inspect(request).image.path.read_bytes()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def with_comment(data: bytes, comment: bytes) -> bytes:
    """Return a JPEG with a comment after its first marker."""
    length = (len(comment) + LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
    return data[:2] + COMMENT + length + comment + data[2:]
