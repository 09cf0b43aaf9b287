"""Bytes between the last MCU and the end of a JPEG are found while it is decoded, and removed."""

from contextlib import closing
from pathlib import Path

import pytest
import pyvips

from broker.inspection.jpeg_tail import TailReader, hidden_bytes, trim
from tests.inspection import containers as made
from tests.inspection.cleaning import clean, pixels
from tests.inspection.hostile import HTML


def read_by_decoder(path: Path) -> int:
    """Decode a file and return how many of its bytes the decoder has read."""
    with closing(TailReader(path)) as reader:
        source = pyvips.SourceCustom()
        source.on_read(reader.read)
        source.on_seek(reader.seek)
        pyvips.Image.jpegload_source(
            source, shrink=2, fail_on="warning", access="sequential"
        ).copy_memory()
        return reader.read_to


def trimmed(data: bytes, directory: Path) -> bytes:
    """Return a file after it was decoded and trimmed as often as needed."""
    path = directory / "photo.jpg"
    path.write_bytes(clean(data, "image/jpeg", directory))
    for _ in range(3):
        if not trim(path, read_by_decoder(path)):
            return path.read_bytes()
    raise AssertionError("still longer than its image")


@pytest.mark.parametrize("size", [8, 40, 203])
def test_a_file_without_hidden_bytes_is_not_trimmed(size: int, tmp_path: Path) -> None:
    jpeg = made.encoded(".jpg", size, size)
    assert trimmed(jpeg, tmp_path) == clean(jpeg, "image/jpeg", tmp_path)


@pytest.mark.parametrize("times", [1, 10, 61, 62, 63, 64, 100, 1000])
def test_hidden_bytes_are_removed_and_the_image_stays(times: int, tmp_path: Path) -> None:
    jpeg = made.encoded(".jpg", 203, 101)
    left = trimmed(jpeg[:-2] + HTML * times + jpeg[-2:], tmp_path)
    assert len(left) <= len(jpeg) + 16
    assert b"<script>" not in left
    assert pixels(left) == pixels(jpeg)


def test_libvips_says_how_many_bytes_a_progressive_file_hides(tmp_path: Path) -> None:
    jpeg = made.encoded(".jpg", 203, 101, interlace=True)
    path = tmp_path / "photo.jpg"
    path.write_bytes(clean(jpeg[:-2] + HTML * 100 + jpeg[-2:], "image/jpeg", tmp_path))
    with pytest.raises(pyvips.Error) as warning:
        read_by_decoder(path)
    hidden = hidden_bytes(warning.value.detail)
    assert hidden is not None
    assert trim(path, path.stat().st_size - 2 - hidden)
    assert b"<script>" not in path.read_bytes()
    assert not trim(path, read_by_decoder(path))
    assert pixels(path.read_bytes()) == pixels(jpeg)


def test_hidden_bytes_between_scans_make_libvips_fail(tmp_path: Path) -> None:
    jpeg = made.encoded(".jpg", 203, 101, interlace=True)
    at = jpeg.rindex(b"\xff\xda")
    at = jpeg.rindex(b"\xff\xc4", 0, at)
    path = tmp_path / "photo.jpg"
    path.write_bytes(clean(jpeg[:at] + HTML + jpeg[at:], "image/jpeg", tmp_path))
    with pytest.raises(pyvips.Error) as warning:
        read_by_decoder(path)
    assert "extraneous bytes before marker 0xc4" in warning.value.detail
    assert hidden_bytes(warning.value.detail) is None
