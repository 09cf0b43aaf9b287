"""The type of a file comes from its content, whatever its name or its declared type."""

from pathlib import Path

import pytest

from broker.inspection import formats
from tests.inspection import containers as made
from tests.inspection import hostile

IMAGES = {
    "image/jpeg": made.encoded(".jpg"),
    "image/png": made.encoded(".png"),
    "image/webp": made.encoded(".webp"),
    "image/gif": made.encoded(".gif"),
    "image/avif": made.encoded(".avif"),
    "image/heic": made.tiled_heic(2, 2),
    "image/heif": made.box(b"ftyp", b"mif1\0\0\0\0mif1miaf"),
}
OTHERS = {
    "nothing": b"",
    "text": b"hello",
    "html": hostile.HTML,
    "svg": hostile.SVG,
    "mp4": hostile.MP4,
    "quicktime": made.box(b"ftyp", b"qt  \0\0\0\0qt  "),
    "tiff": b"II*\0\x08\0\0\0",
    "bmp": b"BM\x46\0\0\0" + bytes(50),
    "pdf": b"%PDF-1.7\n%\xff\xd8\xff\xe0",
    "wave": b"RIFF\x24\0\0\0WAVEfmt ",
    "html before a jpeg": hostile.HTML + made.encoded(".jpg"),
    "ftyp too short": b"\0\0\0\x08ftypheic",
    "jpeg xl": b"\0\0\0\x0cJXL \r\n\x87\n",
}


@pytest.mark.parametrize("content_type", IMAGES)
def test_an_image_is_recognised_by_its_content(content_type: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(IMAGES[content_type])
    assert formats.detect(tmp_path / "page.html") == content_type


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_no_images(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(OTHERS[name])
    assert formats.detect(tmp_path / "photo.jpg") is None


def test_heic_and_heif_are_names_of_one_type() -> None:
    assert formats.same_type("image/heic", "image/heif")
    assert formats.same_type("image/heif", "image/heic")
    assert formats.same_type("image/png", "image/png")
    assert not formats.same_type("image/heif", "image/avif")
    assert not formats.same_type("image/jpeg", "image/png")
