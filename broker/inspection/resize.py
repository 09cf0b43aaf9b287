"""Resize images, and turn them upright."""

import pyvips

# EXIF orientation: how to mirror the stored image, and how to turn it clockwise afterwards.
_ORIENTATIONS = {
    1: ("", ""),
    2: ("horizontal", ""),
    3: ("", "d180"),
    4: ("vertical", ""),
    5: ("horizontal", "d270"),
    6: ("", "d90"),
    7: ("horizontal", "d90"),
    8: ("", "d270"),
}


def resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Return an image with exactly this size. Nothing is computed yet."""
    scales = width / image.width, height / image.height
    if scales == (1, 1):
        return image
    if not image.hasalpha():
        return image.resize(scales[0], vscale=scales[1])
    # Weight the colours by their opacity. Otherwise invisible pixels bleed into visible ones.
    weighted = image.premultiply().cast(image.format).resize(scales[0], vscale=scales[1])
    return weighted.unpremultiply().cast(image.format)


def upright(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """Return an image mirrored and turned as its EXIF orientation says."""
    mirror, turn = _ORIENTATIONS[orientation]
    if mirror:
        image = image.flip(mirror)
    return image.rot(turn) if turn else image
