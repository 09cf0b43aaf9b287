"""Which variants an image gets, and their sizes. No decoder is imported here."""

# WebP allows no more (RFC 9649, section 2.7).
_MAX_HEIGHT = 16383


def variant_sizes(width: int, height: int, widths: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the sizes of the variants of an image, the widest first; none is as wide as it."""
    sizes = [(each, max(1, round(height * each / width))) for each in widths if each < width]
    return [size for size in reversed(sizes) if size[1] <= _MAX_HEIGHT]
