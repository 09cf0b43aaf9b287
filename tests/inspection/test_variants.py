"""Variants: their sizes, colours and transparency, and that they hold no metadata."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.inspection.variants import variant_sizes
from tests.inspection.pictures import (
    CORNERS,
    GREEN,
    RED,
    WHITE,
    alike,
    animation,
    corners,
    inspected,
    picture,
    pyvips,
)
from tests.servers import ServerNotInstalled, installed_or_skip


def read(path: Path) -> pyvips.Image:
    return pyvips.Image.webpload(str(path))


@pytest.mark.parametrize(
    ("width", "widths"),
    [(1601, [320, 800, 1600]), (1600, [320, 800]), (321, [320]), (320, []), (5, [])],
)
def test_no_variant_is_as_wide_as_its_image(tmp_path: Path, width: int, widths: list[int]) -> None:
    source = tmp_path / "upload"
    picture(width, 90).jpegsave(str(source))
    result = inspected(source, tmp_path)
    assert [each.width for each in result.variants] == widths
    for each in result.variants:
        shown = read(each.path)
        assert (shown.width, shown.height) == (each.width, each.height)
        assert each.height == max(1, round(90 * each.width / width))
    assert result.thumbhash


@pytest.mark.parametrize("height", [1, 3, 7])
def test_a_wide_and_low_jpeg_has_variants(tmp_path: Path, height: int) -> None:
    source = tmp_path / "upload"
    pyvips.Image.black(20_000, height).jpegsave(str(source))
    assert [each.height for each in inspected(source, tmp_path).variants] == [1, 1, 1]


def test_a_variant_that_is_too_tall_for_webp_is_left_out(tmp_path: Path) -> None:
    assert variant_sizes(1700, 20_000, (320, 800, 1600)) == [(800, 9412), (320, 3765)]
    source = tmp_path / "upload"
    pyvips.Image.black(40, 30_000).pngsave(str(source))
    assert [each.width for each in inspected(source, tmp_path, widths=(10, 30)).variants] == [10]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_variants_are_upright(tmp_path: Path, orientation: int) -> None:
    """Browsers turn the cleaned JPEG by its EXIF orientation; the variants need no turning."""
    source = tmp_path / "upload"
    stored = picture(900, 600)
    stored = stored.copy()
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    stored.jpegsave(str(source), Q=90)
    result = inspected(source, tmp_path)
    published = pyvips.Image.jpegload(str(result.image.path))
    if orientation > 1:
        assert published.get("orientation") == orientation
    upright = published.autorot()
    assert (upright.width, upright.height) == (result.image.width, result.image.height)
    for each in result.variants:
        shown = read(each.path)
        assert (shown.width, shown.height) == (each.width, each.height)
        assert alike(corners(shown), corners(upright))


@pytest.mark.parametrize("save", ["gifsave", "webpsave"])
def test_an_animation_keeps_its_frames_and_its_variants_show_the_first(
    tmp_path: Path, save: str
) -> None:
    source = tmp_path / "upload"
    first, second = picture(400, 300), picture(400, 300).invert()
    getattr(animation([first, second, first]), save)(str(source))
    result = inspected(source, tmp_path)
    load = "gifload" if save == "gifsave" else "webpload"
    published = getattr(pyvips.Image, load)(str(result.image.path), n=-1)
    assert published.get("n-pages") == 3
    (variant,) = result.variants
    shown = read(variant.path)
    assert (shown.width, shown.height) == (320, 240)
    assert alike(corners(shown), CORNERS, by=25)


@pytest.mark.parametrize("save", ["pngsave", "webpsave"])
def test_transparency_is_kept(tmp_path: Path, save: str) -> None:
    source = tmp_path / "upload"
    right = pyvips.Image.black(200, 300) + 255
    alpha = pyvips.Image.black(400, 300).insert(right, 200, 0).cast("uchar")
    getattr(picture(400, 300).bandjoin(alpha), save)(str(source))
    (variant,) = inspected(source, tmp_path).variants
    shown = read(variant.path)
    assert shown.bands == 4
    assert shown.getpoint(20, 20)[3] == 0
    assert shown.getpoint(300, 20)[3] == 255
    assert alike([shown.getpoint(300, 20)[:3]], [GREEN])


def test_the_profile_stays_in_the_image_and_is_applied_to_the_variants(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(900, 600).icc_transform("p3", input_profile="srgb").jpegsave(str(source), Q=90)
    stored = pyvips.Image.jpegload(str(source))
    result = inspected(source, tmp_path)
    published = pyvips.Image.jpegload(str(result.image.path))
    assert published.get("icc-profile-data") == stored.get("icc-profile-data")
    assert not alike(corners(published), CORNERS)
    for each in result.variants:
        assert not read(each.path).get_typeof("icc-profile-data")
        assert alike(corners(read(each.path)), CORNERS)


KINDS: dict[str, Callable[[Path], None]] = {
    "cmyk": lambda path: (
        picture(400, 300)
        .icc_transform("cmyk", input_profile="srgb")
        .jpegsave(str(path), keep="none", Q=95)
    ),
    "16 bits": lambda path: picture(400, 300).colourspace("rgb16").pngsave(str(path), bitdepth=16),
    "palette": lambda path: picture(400, 300).pngsave(str(path), palette=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pixel_becomes_srgb(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "upload"
    KINDS[kind](source)
    (variant,) = inspected(source, tmp_path).variants
    shown = read(variant.path)
    assert shown.bands == 3
    # The usual CMYK cannot hold these colours exactly.
    assert alike(corners(shown), CORNERS, by=90 if kind == "cmyk" else 16)


def test_a_grey_image_stays_grey(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(400, 300).colourspace("b-w").jpegsave(str(source))
    result = inspected(source, tmp_path)
    red, green, blue = read(result.variants[0].path)[:3].bandsplit()
    assert max((red - green).abs().max(), (green - blue).abs().max()) < 6
    assert result.thumbhash


def test_variants_hold_no_metadata(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    with installed_or_skip():
        if shutil.which("exiftool") is None:
            raise ServerNotInstalled("no exiftool: apt-get install libimage-exiftool-perl")
    picture(900, 600).jpegsave(str(source))
    write = ["-GPSLatitude=52.5", "-XMP:City=Berlin", "-IPTC:City=Berlin", "-Comment=Berlin"]
    argv = ["exiftool", "-q", "-overwrite_original", *write, str(source)]
    subprocess.run(argv, check=True)
    variants = inspected(source, tmp_path).variants
    argv = ["exiftool", "-j", "-G", *(str(each.path) for each in variants)]
    shown = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert len(shown) == 2
    groups = {name.partition(":")[0] for each in shown for name in each} - {"SourceFile"}
    assert groups == {"ExifTool", "File", "RIFF", "Composite"}


def test_the_placeholder_has_the_colours_of_the_image(tmp_path: Path) -> None:
    hashes = []
    for colour in (RED, WHITE):
        source = tmp_path / "upload"
        image = pyvips.Image.black(500, 300).new_from_image(colour).cast("uchar")
        image.copy(interpretation="srgb").pngsave(str(source))
        hashes.append(inspected(source, tmp_path).thumbhash)
    assert hashes[0] != hashes[1]
