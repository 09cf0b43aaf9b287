"""Cleaned JPEG files: what is kept, what is not, and that no pixel changes."""

from pathlib import Path

import pytest

from broker.inspection.inspected import Rejected
from broker.inspection.orientation import orientation_only, read_orientation
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding, clean, pixels

NEEDLE = b"52.5200 north, 13.4050 east"
EXIF = b"Exif\0\0"
PROFILE = (128 + 60_000 * 2).to_bytes(4, "big") + bytes(32) + b"acsp" + bytes(120_088)


def replaced(old: bytes, new: bytes) -> bytes:
    jpeg = made.encoded(".jpg")
    assert old in jpeg
    return jpeg.replace(old, new, 1)


def icc_segments(profile: bytes, parts: int) -> list[bytes]:
    size = -(-len(profile) // parts)
    return [
        made.segment(
            0xE2,
            b"ICC_PROFILE\0" + bytes([index + 1, parts]) + profile[index * size :][:size],
        )
        for index in range(parts)
    ]


@pytest.mark.parametrize("options", [{}, {"interlace": True}, {"subsample_mode": "on"}])
def test_no_pixel_changes(options: dict[str, object], tmp_path: Path) -> None:
    jpeg = made.encoded(".jpg", 203, 101, **options)
    assert pixels(clean(jpeg, "image/jpeg", tmp_path)) == pixels(jpeg)


@pytest.mark.parametrize("window", [2, 3, 64, 1021])
def test_long_data_is_read_in_windows(
    window: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jpeg = made.encoded(".jpg", 101, 53, interlace=True)
    expected = clean(jpeg, "image/jpeg", tmp_path)
    monkeypatch.setattr("broker.inspection.structure.jpeg._WINDOW", window)
    assert clean(jpeg, "image/jpeg", tmp_path) == expected


def test_a_clean_file_is_not_changed_again(tmp_path: Path) -> None:
    once = clean(made.encoded(".jpg", interlace=True), "image/jpeg", tmp_path)
    assert clean(once, "image/jpeg", tmp_path) == once


@pytest.mark.parametrize("marker", [*range(0xE0, 0xF0), 0xFE])
def test_no_text_survives_in_a_segment(marker: int, tmp_path: Path) -> None:
    names = [b"", b"JFIF\0", b"JFXX\0", EXIF, b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0"]
    names += [b"Adobe", b"ICC_PROFILE\0\1\1", b"Photoshop 3.0\0", b"Exif\0\0MM\0*\0\0\0\x08"]
    planted = b"".join(made.segment(marker, name + bytes(20) + NEEDLE) for name in names)
    jpeg = made.encoded(".jpg")
    between_scans = jpeg[:-2] + planted + jpeg[-2:]
    for data in (made.jpeg_with(planted), between_scans):
        cleaned = clean(data, "image/jpeg", tmp_path)
        assert NEEDLE not in cleaned
        # APP14 says how to read the colours.
        assert marker == 0xEE or pixels(cleaned) == pixels(jpeg)


def test_bytes_between_segments_are_removed(tmp_path: Path) -> None:
    jpeg = replaced(b"\xff\xdb", NEEDLE + b"\xff\xdb")
    assert NEEDLE not in clean(jpeg, "image/jpeg", tmp_path)


def test_only_the_first_image_of_a_file_is_kept(tmp_path: Path) -> None:
    first, second = made.encoded(".jpg"), made.encoded(".jpg", 32, 32)
    both = clean(first + second + NEEDLE, "image/jpeg", tmp_path)
    assert both == clean(first, "image/jpeg", tmp_path)


def test_tables_that_no_scan_uses_are_removed(tmp_path: Path) -> None:
    text = NEEDLE * 3
    huffman = bytes(15) + bytes([len(text)]) + text
    planted = made.segment(0xDB, b"\x03" + text[:64]) + made.segment(0xC4, b"\x13" + huffman)
    # The table that is used is defined twice; the last definition counts.
    planted += made.segment(0xDB, b"\x00" + text[:64])
    jpeg = made.encoded(".jpg")
    cleaned = clean(made.jpeg_with(planted), "image/jpeg", tmp_path)
    assert NEEDLE not in cleaned
    assert pixels(cleaned) == pixels(jpeg)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_kept_and_nothing_else_of_exif(orientation: int, tmp_path: Path) -> None:
    exif = made.segment(0xE1, EXIF + orientation_only(orientation) + NEEDLE)
    found = before_decoding(made.jpeg_with(exif), "image/jpeg", tmp_path)
    assert found.header.orientation == orientation
    kept = found.cleaned.partition(EXIF)[2]
    assert NEEDLE not in found.cleaned
    assert read_orientation(kept[:26]) == orientation
    assert (EXIF in found.cleaned) == (orientation > 1)


def test_width_and_height_change_places_if_the_image_lies_on_its_side(tmp_path: Path) -> None:
    exif = made.segment(0xE1, EXIF + orientation_only(6))
    jpeg = made.jpeg_with(exif, made.encoded(".jpg", 64, 48))
    header = before_decoding(jpeg, "image/jpeg", tmp_path).header
    assert (header.width, header.height) == (64, 48)
    assert header.upright_size == (48, 64)


def test_a_profile_in_parts_is_kept_without_bytes_after_its_end(tmp_path: Path) -> None:
    parts = icc_segments(PROFILE + NEEDLE, 3)
    cleaned = clean(made.jpeg_with(b"".join(reversed(parts))), "image/jpeg", tmp_path)
    assert NEEDLE not in cleaned
    assert cleaned.count(b"ICC_PROFILE\0") == 2
    assert b"acsp" in cleaned


@pytest.mark.parametrize(
    "segments",
    [
        icc_segments(PROFILE, 3)[:2],
        icc_segments(PROFILE, 3)[1:],
        icc_segments(b"\0\0\xff\xff" + PROFILE[4:100], 1),
        icc_segments(NEEDLE * 20, 1),
        icc_segments(PROFILE, 3) + icc_segments(PROFILE, 4),
    ],
    ids=["end missing", "start missing", "shorter than stated", "text", "two numbers of parts"],
)
def test_a_broken_profile_is_removed(segments: list[bytes], tmp_path: Path) -> None:
    cleaned = clean(made.jpeg_with(b"".join(segments)), "image/jpeg", tmp_path)
    assert b"ICC_PROFILE" not in cleaned


def test_the_density_and_adobes_colour_transform_are_kept(tmp_path: Path) -> None:
    jfif = made.segment(0xE0, b"JFIF\0\1\2\1\1\x2c\1\x2c\1\1abc")
    adobe = made.segment(0xEE, b"Adobe\0\x64\x12\x34\x56\x78\1" + NEEDLE)
    cleaned = clean(made.jpeg_with(jfif + adobe), "image/jpeg", tmp_path)
    assert cleaned.startswith(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\1\1\x2c\1\x2c\0\0")
    assert b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\1\xff" in cleaned


def test_an_image_of_one_colour_is_not_too_short(tmp_path: Path) -> None:
    import pyvips

    grey = pyvips.Image.black(17, 17) + 128
    for image in (grey, grey.bandjoin([grey, grey]).copy(interpretation="srgb")):
        for options in ({}, {"interlace": True}, {"optimize_coding": True}):
            jpeg = image.cast("uchar").jpegsave_buffer(**options)
            # The sampling factors of a grey image have no effect.
            for one in (jpeg, jpeg.replace(b"\1\1\x11\0", b"\1\1\x22\0")):
                assert not before_decoding(one, "image/jpeg", tmp_path).header.too_short


def scans(count: int) -> bytes:
    jpeg = made.encoded(".jpg", interlace=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * (count - jpeg.count(b"\xff\xda")) + jpeg[-2:]


def test_one_hundred_scans_are_the_limit(tmp_path: Path) -> None:
    assert clean(scans(100), "image/jpeg", tmp_path)
    with pytest.raises(Rejected, match="more than 100 scans"):
        clean(scans(101), "image/jpeg", tmp_path)


BROKEN = {
    "no end": made.encoded(".jpg")[:-2],
    "only a start": b"\xff\xd8\xff\xe0",
    "no scan": b"\xff\xd8\xff\xe0\0\x02\xff\xd9",
    "arithmetic coding": replaced(b"\xff\xc0\0\x11", b"\xff\xc9\0\x11"),
    "lossless": replaced(b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"),
    "12 bits": replaced(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    "no height": made.resized_jpeg(64, 0),
    "a scan of no component": replaced(b"\xff\xda\0\x0c\x03\x01", b"\xff\xda\0\x0c\x03\x07"),
    "a scan header cut off": replaced(b"\xff\xda\0\x0c\x03", b"\xff\xda\0\x0c\x04"),
    "a table cut off": made.jpeg_with(made.segment(0xDB, b"\0abc")),
    "a segment longer than the file": made.jpeg_with(b"\xff\xe1\xff\xff"),
    "a segment shorter than its length": made.jpeg_with(b"\xff\xe1\0\1"),
    "too many segments": made.jpeg_with(made.segment(0xFE, b"") * 5000),
    "more than 64 KiB between segments": replaced(b"\xff\xdb", bytes(70_000) + b"\xff\xdb"),
    "more tables than there can be": made.jpeg_with(made.segment(0xDB, (b"\3" + bytes(64)) * 9)),
    "two frame headers": made.jpeg_with(
        made.segment(0xC0, b"\x08\0\x40\0\x40\1\1\x11\0"),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_structure_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as rejected:
        clean(BROKEN[name], "image/jpeg", tmp_path)
    assert rejected.value.reason == "corrupt"
