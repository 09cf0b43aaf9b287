"""A photo as an iPhone writes it: HEVC tiles in a grid, turned by `irot`, with Display P3 and EXIF.

heif-enc encodes the tiles; the file around them (ISO/IEC 23008-12) is written here.
"""

from pathlib import Path

import pyvips

from tests.inspection.containers import box, number
from tests.inspection.pictures import heif, picture
from tests.inspection.test_exiftool import exiftool

TILE = 512
# The sensor's rows. The camera was upright, so they are to be turned by 90 degrees clockwise.
WIDTH, HEIGHT = 1440, 960
ROTATION = "d90"
_QUARTER_TURNS = 3  # anticlockwise
TAGS = [
    "-EXIF:Make=Apple",
    "-EXIF:Model=iPhone 15",
    "-EXIF:Orientation#=6",
    "-GPSLatitude=52.52",
    "-GPSLatitudeRef=N",
    "-GPSLongitude=13.405",
    "-GPSLongitudeRef=E",
]


def upright() -> pyvips.Image:
    """Return the picture as it must be displayed, in sRGB."""
    return picture(WIDTH, HEIGHT).rot(ROTATION)


def iphone_photo(path: Path) -> Path:
    """Write the photo to a path that ends in `.heic`."""
    across, down = -(-WIDTH // TILE), -(-HEIGHT // TILE)
    wide = picture(WIDTH, HEIGHT).icc_transform("p3", input_profile="srgb")
    profile = wide.get("icc-profile-data")
    sensor = wide.embed(0, 0, across * TILE, down * TILE, extend="copy").copy()
    sensor.remove("icc-profile-data")
    tiles = [
        _encoded(sensor.crop(x * TILE, y * TILE, TILE, TILE), path.with_name(f"{y}-{x}.heic"))
        for y in range(down)
        for x in range(across)
    ]
    configurations = {configuration for configuration, _ in tiles}
    assert len(configurations) == 1
    data = [coded for _, coded in tiles]
    path.write_bytes(_file(across, down, configurations.pop(), profile, data))
    exiftool("-overwrite_original", *TAGS, path)
    return path


def _encoded(tile: pyvips.Image, path: Path) -> tuple[bytes, bytes]:
    """Return the decoder's configuration and the coded data of a tile."""
    content = heif(tile, path, "-q", "90").read_bytes()
    # Version 0: the first item is the image. Its place is its base offset and its length.
    iloc = _box(content, b"iloc")
    start, size = int.from_bytes(iloc[20:24], "big"), int.from_bytes(iloc[30:34], "big")
    return _box(content, b"hvcC"), content[start : start + size]


def _box(content: bytes, kind: bytes) -> bytes:
    at = content.index(kind) - 4
    return content[at : at + int.from_bytes(content[at : at + 4], "big")]


def _file(
    across: int, down: int, configuration: bytes, profile: bytes, tiles: list[bytes]
) -> bytes:
    kinds = [b"grid"] + [b"hvc1"] * len(tiles)
    infe = b"".join(
        box(b"infe", b"\2\0\0\0" + number(index) + b"\0\0" + kind + b"\0")
        for index, kind in enumerate(kinds, start=1)
    )
    iinf = box(b"iinf", bytes(4) + number(len(kinds)) + infe)
    parts = number(1) + number(len(tiles)) + b"".join(map(number, range(2, len(tiles) + 2)))
    iref = box(b"iref", bytes(4) + box(b"dimg", parts))
    size = number(WIDTH, 4) + number(HEIGHT, 4)
    properties = [
        box(b"ispe", bytes(4) + size),
        box(b"ispe", bytes(4) + number(TILE, 4) * 2),
        configuration,
        box(b"colr", b"prof" + profile),
        box(b"irot", bytes([_QUARTER_TURNS])),
    ]
    # An essential property has the highest bit set.
    of_grid, of_tile = bytes([3, 1, 4, 0x80 | 5]), bytes([2, 2, 0x80 | 3])
    ipma = (
        number(1)
        + of_grid
        + b"".join(number(index) + of_tile for index in range(2, len(kinds) + 1))
    )
    associations = box(b"ipma", bytes(4) + number(len(kinds), 4) + ipma)
    iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + associations)
    grid = bytes([0, 1, down - 1, across - 1]) + size
    hdlr = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(start: int) -> bytes:
        """Return the description of all items, if the data of the tiles begins at `start`."""
        places = [
            number(1) + number(1) + number(0) + number(1) + number(0, 4) + number(len(grid), 4)
        ]
        at = start
        for index, tile in enumerate(tiles, start=2):
            places.append(
                number(index)
                + number(0)
                + number(0)
                + number(1)
                + number(at, 4)
                + number(len(tile), 4)
            )
            at += len(tile)
        iloc = box(b"iloc", b"\1\0\0\0\x44\0" + number(len(places)) + b"".join(places))
        pitm = box(b"pitm", bytes(4) + number(1))
        inside = hdlr + pitm + iloc + iinf + iref + iprp + box(b"idat", grid)
        return box(b"meta", bytes(4) + inside)

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", b"".join(tiles))
