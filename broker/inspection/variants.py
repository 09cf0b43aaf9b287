"""Make the variants of an image, and its placeholder."""

from pathlib import Path

import pyvips

from broker.domain.media_types import VARIANT
from broker.inspection.colour import to_srgb
from broker.inspection.inspected import OutputFile
from broker.inspection.output import describe
from broker.inspection.resize import resized
from broker.inspection.thumbhash import MAX_SIDE, thumbhash

# Measured; see docs/decisions/inspection.md.
QUALITY = 80
EFFORT = 2
# WebP allows no more (RFC 9649, section 2.7).
_MAX_HEIGHT = 16383


def variant_sizes(width: int, height: int, widths: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the sizes of the variants of an image, the widest first; none is as wide as it."""
    sizes = [(each, max(1, round(height * each / width))) for each in widths if each < width]
    return [size for size in reversed(sizes) if size[1] <= _MAX_HEIGHT]


def write_variants(
    image: pyvips.Image, sizes: list[tuple[int, int]], directory: Path
) -> tuple[tuple[OutputFile, ...], str]:
    """Write a WebP file of each size, the widest first. Return the files and the ThumbHash.

    Each is made from the next wider one, so that the image is decoded only once. The files hold
    no metadata and no profile; browsers read them as sRGB.
    """
    files = []
    for width, height in sizes:
        image = to_srgb(resized(image, width, height)).copy_memory()
        path = directory / f"{width}.webp"
        image.webpsave(str(path), Q=QUALITY, effort=EFFORT, keep="none")
        files.append(describe(path, VARIANT, width, height))
    return tuple(reversed(files)), _placeholder(image)


def _placeholder(image: pyvips.Image) -> str:
    """Return the ThumbHash of an image."""
    scale = min(1, MAX_SIDE / max(image.width, image.height))
    width, height = (max(1, round(side * scale)) for side in (image.width, image.height))
    small = to_srgb(resized(image, width, height))
    if not small.hasalpha():
        small = small.bandjoin(255)
    return thumbhash(small.width, small.height, bytes(small.cast("uchar").write_to_memory()))
