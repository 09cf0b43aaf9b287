"""ThumbHash: the same bytes as the JavaScript of its author writes (npm `thumbhash` 0.1.1)."""

import base64

import pytest

from broker.inspection.thumbhash import thumbhash

# Width, height, transparency, and what the JavaScript returned for `pixels` below.
HASHES = [
    (32, 18, False, "XQcGHIgQYaZih4hwiIIQZX73yQ=="),
    (18, 32, False, "HOcFJAYQWndYh4RYSHgQdUby6g=="),
    (32, 32, True, "XveBDQIHAXB1mIUoZxB1F+L7QmMwZkJCNQ=="),
    (1, 1, False, "y0UWjxQI9wiIh4hwj3CI+AiIcH/4CIgA"),
    (9, 31, True, "WLaFEQQHYIVZSlpQg6fvyGVHEnQwRgE="),
    (100, 75, False, "n/cBDYIgIzF1d3Z2h0d3diB4BKO5"),
]


def pixels(width: int, height: int, *, transparent: bool) -> bytes:
    """Return a pattern that is the same in every language."""
    return bytes(
        value & 255
        for y in range(height)
        for x in range(width)
        for value in (
            x * x + 40,
            x * y * 3,
            y * y * 2 + 90,
            x * x * 5 + y * y * 3 + x * y * 7 if transparent else 255,
        )
    )


@pytest.mark.parametrize(("width", "height", "transparent", "expected"), HASHES)
def test_the_hash_is_that_of_the_reference(
    width: int, height: int, transparent: bool, expected: str
) -> None:
    rgba = pixels(width, height, transparent=transparent)
    assert thumbhash(width, height, rgba) == expected


def test_one_colour_has_no_frequencies() -> None:
    found = base64.b64decode(thumbhash(20, 10, bytes([200, 30, 40, 255]) * 200))
    assert set(found[5:]) == {0}
    assert thumbhash(3, 3, bytes(36))
