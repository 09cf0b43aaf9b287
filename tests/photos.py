"""Photos for the tests, made by libvips. Those of tests/inspection are in pictures.py there."""

from functools import cache

import pyvips


@cache
def photo(width: int = 1200, height: int = 900) -> bytes:
    """Return a JPEG with a gradient and noise."""
    gradient = pyvips.Image.xyz(width, height)
    noise = pyvips.Image.gaussnoise(width, height, sigma=10, mean=60)
    bands = (gradient[0] + noise).bandjoin([gradient[1] + noise, noise + 40])
    data: bytes = bands.cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=90)
    return data
