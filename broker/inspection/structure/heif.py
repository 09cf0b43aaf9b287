"""The items of a HEIF or AVIF file and their properties (ISO/IEC 23008-12)."""

from dataclasses import dataclass, field
from mmap import mmap

from broker.inspection.structure.boxes import Box, Fields, boxes
from broker.inspection.structure.mapped import corrupt

# An image of 48 megapixels from a phone has 260 items: 192 tiles, those of its gain map, and a
# few others. libheif stops at 1,000 too.
_MAX_ITEMS = 1_000
_MAX_EXTENTS = 32
_MAX_PROPERTIES = 32
# An alpha channel belongs to one image.
_MAX_TARGETS = 8


@dataclass(slots=True)
class Items:
    """The primary item of a file and the items that it is made of.

    Attributes:
        primary: the item that is the image.
        parts: the items that it is made of, such as the tiles of a grid.
        auxiliaries: the items that add to it, such as an alpha channel.
        kinds: the type of each item, such as `grid`, `hvc1` or `av01`.
        properties: the property boxes of each item, in the order in which they apply.
        content: where the first bytes of the primary item are in the file.
    """

    primary: int = 0
    parts: list[int] = field(default_factory=list)
    auxiliaries: list[int] = field(default_factory=list)
    kinds: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, list[Box]] = field(default_factory=dict)
    content: Box = field(default_factory=lambda: Box(b"", 0, 0))


def read_items(data: mmap) -> Items:
    """Return the items of a file. Raise Rejected if there are none, or too many."""
    meta = next((box for box in boxes(data, 0, len(data)) if box.kind == b"meta"), None)
    if meta is None:
        raise corrupt("no meta box")
    found = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}
    if not found.keys() >= {b"pitm", b"iinf", b"iloc", b"iprp"}:
        raise corrupt("no primary item")
    fields = Fields(data, found[b"pitm"])
    version, _ = fields.version()
    items = Items(primary=fields.number(4 if version else 2))
    _read_kinds(data, found[b"iinf"], items)
    if b"iref" in found:
        _read_parts(data, found[b"iref"], items)
    _read_properties(data, found[b"iprp"], items)
    _read_place(Fields(data, found[b"iloc"]), found.get(b"idat"), items, len(data))
    return items


def _count(fields: Fields, size: int) -> int:
    """Return a number of items. Raise Rejected if it is too large."""
    count = fields.number(size)
    if count > _MAX_ITEMS:
        raise corrupt(f"more than {_MAX_ITEMS} items")
    return count


def _read_kinds(data: mmap, box: Box, items: Items) -> None:
    fields = Fields(data, box)
    version, _ = fields.version()
    _count(fields, 4 if version else 2)
    for entry in boxes(data, box.start + (8 if version else 6), box.end):
        fields = Fields(data, entry)
        version, _ = fields.version()
        if entry.kind == b"infe" and version >= 2:
            identifier = fields.number(2 if version == 2 else 4)
            fields.number(2)
            items.kinds[identifier] = fields.number(4).to_bytes(4, "big")


def _read_parts(data: mmap, box: Box, items: Items) -> None:
    fields = Fields(data, box)
    version, _ = fields.version()
    size = 4 if version else 2
    for reference in boxes(data, box.start + 4, box.end):
        fields = Fields(data, reference)
        identifier = fields.number(size)
        if reference.kind == b"dimg" and identifier == items.primary:
            items.parts = [fields.number(size) for _ in range(_count(fields, 2))]
        elif reference.kind == b"auxl":
            targets = min(_count(fields, 2), _MAX_TARGETS)
            if items.primary in [fields.number(size) for _ in range(targets)]:
                items.auxiliaries.append(identifier)


def _read_properties(data: mmap, box: Box, items: Items) -> None:
    found = {inner.kind: inner for inner in boxes(data, box.start, box.end)}
    if not found.keys() >= {b"ipco", b"ipma"}:
        raise corrupt("no properties")
    container = list(boxes(data, found[b"ipco"].start, found[b"ipco"].end))
    fields = Fields(data, found[b"ipma"])
    version, flags = fields.version()
    for _ in range(_count(fields, 4)):
        identifier = fields.number(4 if version else 2)
        count = fields.number(1)
        if count > _MAX_PROPERTIES:
            raise corrupt(f"more than {_MAX_PROPERTIES} properties")
        # The highest bit says that the property is essential.
        indexes = [
            fields.number(2) & 0x7FFF if flags & 1 else fields.number(1) & 0x7F
            for _ in range(count)
        ]
        items.properties[identifier] = [
            container[index - 1] for index in indexes if 0 < index <= len(container)
        ]


def _read_place(fields: Fields, idat: Box | None, items: Items, file_size: int) -> None:
    version, _ = fields.version()
    sizes = fields.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(_count(fields, 4 if version == 2 else 2)):
        identifier = fields.number(4 if version == 2 else 2)
        in_idat = version > 0 and fields.number(2) & 15 == 1
        fields.number(2)
        base = fields.number(base_size)
        extents = fields.number(2)
        if extents > _MAX_EXTENTS:
            raise corrupt(f"more than {_MAX_EXTENTS} extents")
        for index in range(extents):
            fields.number(index_size)
            offset, length = base + fields.number(offset_size), fields.number(length_size)
            if index == 0 and identifier == items.primary:
                start = offset + (idat.start if in_idat and idat else 0)
                end = start + length if length else file_size
                items.content = Box(b"", start, min(end, file_size))
