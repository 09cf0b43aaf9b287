"""HEIC and AVIF become a JPEG that every browser displays."""

from pathlib import Path

import pytest

from broker.inspection import convert
from tests.inspection.pictures import CORNERS, alike, corners, heif, inspected, picture, pyvips
from tests.servers import installed_or_skip


@pytest.fixture(params=["heic", "avif"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with installed_or_skip():
        return heif(picture(400, 280), tmp_path / f"upload.{request.param}", "-q", "90")


def test_a_photo_becomes_a_jpeg_with_variants(source: Path, tmp_path: Path) -> None:
    result = inspected(source, tmp_path, widths=(100, 200, 400))
    assert result.image.content_type == "image/jpeg"
    assert result.image.path.name == "image.jpg"
    published = pyvips.Image.jpegload(str(result.image.path), fail_on="warning")
    assert (published.width, published.height) == (400, 280)
    assert (result.image.width, result.image.height) == (400, 280)
    assert alike(corners(published), CORNERS)
    assert [each.width for each in result.variants] == [100, 200]
    for each in result.variants:
        assert alike(corners(pyvips.Image.webpload(str(each.path))), CORNERS)
    assert not [name for name in published.get_fields() if name.startswith(("exif-", "xmp"))]


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    for extension in ("heic", "avif"):
        transparent = picture(400, 300).bandjoin(pyvips.Image.black(400, 300))
        with installed_or_skip():
            source = heif(transparent, tmp_path / f"upload.{extension}")
        published = pyvips.Image.jpegload(str(inspected(source, tmp_path).image.path))
        assert published.bands == 3
        assert published.min() > 245


def test_a_profile_stays_in_the_jpeg_and_is_applied_to_the_variants(tmp_path: Path) -> None:
    for extension in ("heic", "avif"):
        with installed_or_skip():
            wide = picture(400, 300).icc_transform("p3", input_profile="srgb")
            source = heif(wide, tmp_path / f"upload.{extension}", "-q", "90")
        result = inspected(source, tmp_path)
        published = pyvips.Image.jpegload(str(result.image.path))
        assert b"P3" in published.get("icc-profile-data").replace(b"\0", b"")
        assert alike(corners(published), corners(wide))
        assert alike(corners(pyvips.Image.webpload(str(result.variants[0].path))), CORNERS)


@pytest.mark.parametrize("extension", ["heic", "avif"])
def test_what_follows_the_end_of_a_profile_is_not_in_the_jpeg(
    tmp_path: Path, extension: str
) -> None:
    with installed_or_skip():
        wide = picture(400, 300).icc_transform("p3", input_profile="srgb")
        source = heif(wide, tmp_path / f"upload.{extension}")
    data = source.read_bytes()
    at = data.index(b"colrprof") + 8
    size = int.from_bytes(data[at - 12 : at - 8], "big") - 12
    hidden = b"<script>alert(1)</script>"
    shorter = (size - len(hidden)).to_bytes(4, "big") + data[at + 4 : at + size - len(hidden)]
    source.write_bytes(data[:at] + shorter + hidden + data[at + size :])
    assert hidden not in inspected(source, tmp_path).image.path.read_bytes()


@pytest.mark.parametrize("extension", ["heic", "avif"])
@pytest.mark.parametrize(("turns", "rotation"), [(1, "d270"), (2, "d180"), (3, "d90")])
def test_a_turned_photo_is_upright_once(
    tmp_path: Path, extension: str, turns: int, rotation: str
) -> None:
    """A phone stores the sensor's rows, how to turn them (`irot`), and the same again as EXIF."""
    with installed_or_skip():
        source = heif(picture(330, 220), tmp_path / f"upload.{extension}", "-q", "90")
    content = source.read_bytes()
    at = content.index(b"pixi")
    # `irot` in place of a property that the decoder can do without; the rest of the box is unused.
    source.write_bytes(content[:at] + b"irot" + bytes([turns]) + content[at + 5 :])
    result = inspected(source, tmp_path, widths=(100,))
    expected = picture(330, 220).rot(rotation)
    published = pyvips.Image.jpegload(str(result.image.path))
    assert (published.width, published.height) == (expected.width, expected.height)
    assert (result.image.width, result.image.height) == (expected.width, expected.height)
    assert alike(corners(published), corners(expected), by=20)
    shown = pyvips.Image.webpload(str(result.variants[0].path))
    assert alike(corners(shown), corners(expected), by=20)


def test_without_the_extra_heic_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed_or_skip():
        source = heif(picture(64, 48), tmp_path / "upload.heic")
    assert convert.reads_heic()
    monkeypatch.setattr(convert, "find_spec", lambda name: None)
    assert not convert.reads_heic()
    with pytest.raises(convert.HeicNotInstalled, match="requirements-worker.txt"):
        inspected(source, tmp_path)
