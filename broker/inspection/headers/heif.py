"""The header of a HEIC, HEIF or AVIF file."""

from mmap import mmap
from pathlib import Path

from broker.inspection.headers.header import Header
from broker.inspection.structure.boxes import Box, Fields
from broker.inspection.structure.heif import Items, read_items
from broker.inspection.structure.mapped import corrupt, mapped

_CODED = frozenset({b"hvc1", b"av01"})
# `irot` counts quarter turns anticlockwise.
_ORIENTATIONS = (1, 8, 3, 6)


def read_header(path: Path) -> Header:
    """Return the header of a HEIF file, of its primary image.

    Only that image is ever decoded, also if the file is a sequence of images.
    """
    with mapped(path) as data:
        items = read_items(data)
        width, height = _size(data, items, items.primary)
        kind = items.kinds.get(items.primary)
        if kind == b"grid":
            _check_grid(data, items, (width, height))
        elif kind not in _CODED:
            raise corrupt("the primary image is of an unknown kind")
        for auxiliary in items.auxiliaries:
            across, down = _size(data, items, auxiliary)
            if across * down > width * height:
                raise corrupt("an alpha channel larger than its image")
        turns = sum(
            data[box.start] & 3
            for box in items.properties[items.primary]
            if box.kind == b"irot" and box.end > box.start
        )
    return Header(width=width, height=height, orientation=_ORIENTATIONS[turns % 4])


def _size(data: mmap, items: Items, identifier: int) -> tuple[int, int]:
    """Return width and height of an item, from its `ispe` property."""
    for box in items.properties.get(identifier, ()):
        if box.kind == b"ispe":
            return _two_numbers(data, box)
    raise corrupt("an image without a size")


def _two_numbers(data: mmap, box: Box) -> tuple[int, int]:
    fields = Fields(data, box)
    fields.version()
    width, height = fields.number(4), fields.number(4)
    if not width or not height:
        raise corrupt("an image without pixels")
    return width, height


def _check_grid(data: mmap, items: Items, size: tuple[int, int]) -> None:
    """Raise Rejected if the tiles do not fit their grid (ISO/IEC 23008-12, 6.6.2.3)."""
    fields = Fields(data, items.content)
    fields.number(1)
    number_size = 4 if fields.number(1) & 1 else 2
    rows, columns = fields.number(1) + 1, fields.number(1) + 1
    grid = fields.number(number_size), fields.number(number_size)
    if grid != size or len(items.parts) != rows * columns:
        raise corrupt(f"{len(items.parts)} tiles for {rows} x {columns}")
    tile_sizes = {_size(data, items, tile) for tile in items.parts}
    width, height = tile_sizes.pop()
    covers = columns * width >= size[0] and rows * height >= size[1]
    exceeds = (columns - 1) * width >= size[0] or (rows - 1) * height >= size[1]
    kinds = {items.kinds.get(tile) for tile in items.parts}
    if tile_sizes or kinds - _CODED or not covers or exceeds:
        raise corrupt("the tiles of an image do not fit")
