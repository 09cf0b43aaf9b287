"""ThumbHash, a placeholder of about 25 bytes (https://evanw.github.io/thumbhash/).

The package `thumbhash` on PyPI fails for images with transparency and computes each cosine once
for each pixel, so the transform is written here, row by row and then column by column.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, pi
from operator import mul

# The hash keeps at most 7 x 7 frequencies. With more pixels than this it hardly changes.
MAX_SIDE = 32
# The frequencies of a single colour are zero, apart from rounding errors.
_ROUNDING_ERROR = 1e-9


@dataclass(frozen=True)
class _Channel:
    """A channel as frequencies: their mean, the largest amplitude, and all amplitudes / it."""

    mean: float
    scale: float
    amplitudes: list[float]


def thumbhash(width: int, height: int, rgba: bytes) -> str:
    """Return the ThumbHash of an image of at most 100 x 100 pixels, in base64.

    `rgba` has four bytes a pixel, row by row, in sRGB, not premultiplied.
    """
    alpha = [value / 255 for value in rgba[3::4]]
    opacity = sum(alpha)
    channels = [[value / 255 for value in rgba[start::4]] for start in range(3)]
    averages = [_average(channel, alpha, opacity) for channel in channels]
    red, green, blue = (
        [average * (1 - a) + a * value for value, a in zip(channel, alpha, strict=True)]
        for channel, average in zip(channels, averages, strict=True)
    )
    transparent = opacity < width * height
    most = 5 if transparent else 7
    columns = max(1, _round(most * width / max(width, height)))
    rows = max(1, _round(most * height / max(width, height)))
    pixels = list(zip(red, green, blue, strict=True))
    luminance = [(r + g + b) / 3 for r, g, b in pixels]
    lightness = _encode(luminance, width, height, max(3, columns), max(3, rows))
    yellow = _encode([(r + g) / 2 - b for r, g, b in pixels], width, height, 3, 3)
    red_green = _encode([r - g for r, g, b in pixels], width, height, 3, 3)

    landscape = width > height
    head = (
        _round(63 * lightness.mean)
        | _round(31.5 + 31.5 * yellow.mean) << 6
        | _round(31.5 + 31.5 * red_green.mean) << 12
        | _round(31 * lightness.scale) << 18
        | transparent << 23
        | (rows if landscape else columns) << 24
        | _round(63 * yellow.scale) << 27
        | _round(63 * red_green.scale) << 33
        | landscape << 39
    ).to_bytes(5, "little")
    nibbles = [
        _round(15 * each) for one in (lightness, yellow, red_green) for each in one.amplitudes
    ]
    if transparent:
        veil = _encode(alpha, width, height, 5, 5)
        nibbles = [_round(15 * veil.mean), _round(15 * veil.scale), *nibbles]
        nibbles += [_round(15 * each) for each in veil.amplitudes]
    nibbles += [0] * (len(nibbles) % 2)
    body = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(head + body).decode()


def _average(channel: Sequence[float], alpha: Sequence[float], opacity: float) -> float:
    """Return the mean of a channel, weighted by opacity."""
    if opacity == 0:
        return 0.0
    return sum(value * a for value, a in zip(channel, alpha, strict=True)) / opacity


def _encode(channel: list[float], width: int, height: int, columns: int, rows: int) -> _Channel:
    """Return the low frequencies of a channel, by a discrete cosine transform."""
    across = _cosines(width, columns)
    down = _cosines(height, rows)
    lines = [channel[at : at + width] for at in range(0, len(channel), width)]
    sums = [[_dot(line, wave) for line in lines] for wave in across]
    found = [
        _dot(sums[x], down[y]) / (width * height)
        for y in range(rows)
        for x in range(columns)
        if x * rows < columns * (rows - y)
    ]
    mean, rest = found[0], found[1:]
    scale = max(map(abs, rest))
    if scale < _ROUNDING_ERROR:
        return _Channel(mean, 0.0, [0.0] * len(rest))
    return _Channel(mean, scale, [0.5 + 0.5 / scale * each for each in rest])


def _cosines(size: int, count: int) -> list[list[float]]:
    """Return the first waves over `size` pixels."""
    return [[cos(pi / size * wave * (at + 0.5)) for at in range(size)] for wave in range(count)]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(map(mul, left, right)))


def _round(value: float) -> int:
    """Round as JavaScript does; Python rounds 0.5 to 0."""
    return floor(value + 0.5)
