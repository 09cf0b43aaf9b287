"""The headers of HEIC and AVIF files."""

from pathlib import Path

import pytest

from broker.inspection import headers
from broker.inspection.headers import Header
from broker.inspection.inspected import Rejected
from tests.inspection import containers as made


def header_of(data: bytes, directory: Path) -> Header:
    path = directory / "photo.heic"
    path.write_bytes(data)
    return headers.read_header(path, "image/heic", 300)


def test_the_size_of_an_avif_is_read(tmp_path: Path) -> None:
    header = header_of(made.encoded(".avif", 101, 53), tmp_path)
    assert (header.width, header.height, header.frames) == (101, 53, 1)


def test_the_size_of_a_grid_is_read(tmp_path: Path) -> None:
    header = header_of(made.tiled_heic(12, 16, 512), tmp_path)
    assert (header.width, header.height) == (8192, 6144)


@pytest.mark.parametrize(("turns", "orientation"), [(0, 1), (1, 8), (2, 3), (3, 6)])
def test_quarter_turns_are_an_orientation(turns: int, orientation: int, tmp_path: Path) -> None:
    heic = made.tiled_heic(2, 3, 512, after_size=made.box(b"irot", bytes([turns])))
    header = header_of(heic, tmp_path)
    assert header.orientation == orientation
    assert header.upright_size == ((1536, 1024) if turns % 2 == 0 else (1024, 1536))


def test_an_alpha_channel_is_as_large_as_its_image(tmp_path: Path) -> None:
    assert header_of(made.tiled_heic(2, 2, 64, alpha=128), tmp_path).width == 128
    with pytest.raises(Rejected, match="an alpha channel larger than its image"):
        header_of(made.tiled_heic(2, 2, 64, alpha=129), tmp_path)


def without(kind: bytes) -> bytes:
    return made.tiled_heic(2, 2).replace(kind, b"free")


def resized_grid(width: int, height: int) -> bytes:
    """Return an image of 2 x 2 tiles of 64 x 64 pixels that states another size."""
    size = made.number(width, 4) + made.number(height, 4)
    return made.tiled_heic(2, 2).replace(made.number(128, 4) * 2, size)


BROKEN = {
    **{f"no {kind.decode()}": without(kind) for kind in (b"meta", b"pitm", b"iinf", b"iref")},
    **{f"no {kind.decode()}": without(kind) for kind in (b"iprp", b"ipco", b"ipma", b"ispe")},
    "no iloc": without(b"iloc"),
    "an unknown kind of image": without(b"grid"),
    "tiles of an unknown kind": made.tiled_heic(2, 2, kind=b"iovl"),
    "tiles without a size": made.tiled_heic(2, 2, 0),
    "tiles that do not cover the image": resized_grid(129, 128),
    "tiles that the image does not need": resized_grid(64, 128),
    "another size than its grid": made.tiled_heic(2, 2).replace(
        made.number(128, 4) * 2, made.number(127, 4) * 2, 1
    ),
    "more than 1000 items": made.tiled_heic(10, 100),
    "cut off": made.tiled_heic(2, 2)[:200],
    "a grid of other tiles": made.tiled_heic(2, 2).replace(b"\0\1\1\1\0\0\0", b"\0\1\1\2\0\0\0"),
    "a box shorter than its head": made.box(b"ftyp", b"heic\0\0\0\0heic") + b"\0\0\0\3meta",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_structure_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as rejected:
        header_of(BROKEN[name], tmp_path)
    assert rejected.value.reason == "corrupt"
