"""Cleaned PNG files: what is kept, what is not, and that no pixel changes."""

import zlib
from pathlib import Path

import pytest

from broker.inspection import headers
from broker.inspection.inspected import Rejected
from broker.inspection.orientation import orientation_only
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding, clean, pixels

NEEDLE = b"52.5200 north, 13.4050 east"
PROFILE = (200).to_bytes(4, "big") + bytes(32) + b"acsp" + bytes(160)


def rows(width: int, height: int) -> bytes:
    return zlib.compress(bytes((width + 1) * height))


def animated(stated: int, frames: int, width: int = 64, inside: int = 64) -> bytes:
    """Return an animation of 64 x 64 pixels with frames of a width, after a still image."""
    control = b"".join(size.to_bytes(4, "big") for size in (width, 64, inside - 64, 0)) + bytes(6)
    content = made.png_chunk(b"acTL", stated.to_bytes(4, "big") + bytes(4))
    content += made.png_chunk(b"IDAT", rows(64, 64))
    for index in range(frames):
        content += made.png_chunk(b"fcTL", (2 * index).to_bytes(4, "big") + control)
        data = (2 * index + 1).to_bytes(4, "big") + rows(64, 64)
        content += made.png_chunk(b"fdAT", data)
    return made.png_file(64, 64, content)


@pytest.mark.parametrize("options", [{}, {"interlace": True}, {"palette": True}, {"bitdepth": 1}])
def test_no_pixel_changes(options: dict[str, object], tmp_path: Path) -> None:
    png = made.encoded(".png", 101, 53, **options)
    assert pixels(clean(png, "image/png", tmp_path)) == pixels(png)


def test_a_clean_file_is_not_changed(tmp_path: Path) -> None:
    assert clean(made.png(), "image/png", tmp_path) == made.png()


@pytest.mark.parametrize(
    "kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"sPLT", b"PLTE", b"hIST"]
    + [b"prVt", b"caBX", b"gAMA", b"pHYs", b"tRNS", b"fcTL", b"fdAT", b"acTL", b"bKGD"],
)  # fmt: skip
def test_no_text_survives_in_a_chunk(kind: bytes, tmp_path: Path) -> None:
    text = b"".join(made.png_chunk(kind, NEEDLE * count) for count in (1, 30))
    whole = made.png(before=text)
    at = whole.index(b"IEND") - 4
    with_text_at_end = whole[:at] + text + whole[at:]
    cleaned = clean(with_text_at_end, "image/png", tmp_path)
    assert NEEDLE not in cleaned


def test_data_after_the_last_row_is_removed(tmp_path: Path) -> None:
    assert clean(made.png(tail=NEEDLE), "image/png", tmp_path) == made.png()
    more = made.png_chunk(b"IDAT", NEEDLE)
    at = made.png().index(b"IEND") - 4
    whole = made.png()[:at] + more + made.png()[at:]
    assert clean(whole, "image/png", tmp_path) == made.png()


def test_what_follows_the_end_is_removed(tmp_path: Path) -> None:
    assert clean(made.png(end=NEEDLE), "image/png", tmp_path) == made.png()


def test_what_describes_colours_and_density_is_kept(tmp_path: Path) -> None:
    kept = made.png_chunk(b"cICP", b"\x09\x10\0\1") + made.png_chunk(b"gAMA", bytes(4))
    kept += made.png_chunk(b"cHRM", bytes(32)) + made.png_chunk(b"pHYs", bytes(9))
    assert clean(made.png(before=kept), "image/png", tmp_path) == made.png(before=kept)
    assert clean(made.png(before=kept * 2), "image/png", tmp_path) == made.png(before=kept)


def test_the_palette_and_its_transparency_are_kept(tmp_path: Path) -> None:
    png = made.encoded(".png", palette=True)
    assert b"PLTE" in clean(png, "image/png", tmp_path)


def test_a_profile_is_kept_without_its_name_and_what_follows_it(tmp_path: Path) -> None:
    content = NEEDLE + b"\0\0" + zlib.compress(PROFILE + NEEDLE, 0) + NEEDLE
    cleaned = clean(made.png(before=made.png_chunk(b"iCCP", content)), "image/png", tmp_path)
    assert NEEDLE not in cleaned
    assert zlib.compress(PROFILE) in cleaned


@pytest.mark.parametrize("content", [b"", b"icc", b"icc\0\0abc", b"icc\0\0" + zlib.compress(b"a")])
def test_a_broken_profile_is_removed(content: bytes, tmp_path: Path) -> None:
    png = made.png(before=made.png_chunk(b"iCCP", content))
    assert clean(png, "image/png", tmp_path) == made.png()


@pytest.mark.parametrize("at_end", [False, True])
def test_the_orientation_is_kept_and_nothing_else_of_exif(at_end: bool, tmp_path: Path) -> None:
    exif = made.png_chunk(b"eXIf", orientation_only(6) + NEEDLE)
    at = made.png().index(b"IEND") - 4
    png = made.png()[:at] + exif + made.png()[at:] if at_end else made.png(before=exif)
    found = before_decoding(png, "image/png", tmp_path)
    assert found.header.orientation == 6
    only = made.png_chunk(b"eXIf", orientation_only(6))
    assert found.cleaned == made.png(before=only)


def test_an_animation_is_kept(tmp_path: Path) -> None:
    found = before_decoding(animated(3, 3), "image/png", tmp_path)
    assert found.header.frames == 3
    assert found.cleaned == animated(3, 3)


def test_frames_without_an_animation_are_removed(tmp_path: Path) -> None:
    still = animated(1, 1)
    at = still.index(b"acTL") - 4
    cleaned = clean(still[:at] + still[at + 20 :], "image/png", tmp_path)
    assert b"fdAT" not in cleaned


def test_frames_of_an_animation_that_states_none_are_removed(tmp_path: Path) -> None:
    hidden = made.png_chunk(b"fdAT", bytes(4) + NEEDLE)
    none = animated(0, 400).replace(made.png_chunk(b"IEND", b""), hidden) + made.png_chunk(
        b"IEND", b""
    )
    cleaned = clean(none, "image/png", tmp_path)
    assert not {kind for kind in (b"acTL", b"fcTL", b"fdAT", NEEDLE) if kind in cleaned}


def test_frame_data_of_the_still_image_is_removed(tmp_path: Path) -> None:
    """A frame before IDAT is the still image; no decoder reads fdAT for it."""
    control = bytes(4) + b"\0\0\0\x40\0\0\0\x40" + bytes(14)
    before = made.png_chunk(b"acTL", b"\0\0\0\1" + bytes(4)) + made.png_chunk(b"fcTL", control)
    data = made.png_chunk(b"IDAT", rows(64, 64))
    hidden = made.png_chunk(b"fdAT", bytes(4) + NEEDLE)
    cleaned = clean(made.png_file(64, 64, before + data + hidden), "image/png", tmp_path)
    assert cleaned == made.png_file(64, 64, before + data)


def test_too_many_frames_are_rejected(tmp_path: Path) -> None:
    assert before_decoding(animated(300, 300), "image/png", tmp_path).header.frames == 300
    with pytest.raises(Rejected) as rejected:
        before_decoding(animated(301, 301), "image/png", tmp_path)
    assert rejected.value.reason == "too_many_frames"


def test_counting_frames_stops_above_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "animation.png"
    path.write_bytes(animated(20, 20))
    assert headers.read_header(path, "image/png", 5).frames == 6


def test_data_too_short_for_the_size_is_rejected_without_inflating_it(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="too little data for that many pixels"):
        before_decoding(BROKEN["little data for many pixels"], "image/png", tmp_path)


def with_header(**fields: int) -> bytes:
    """Return a PNG file with other values in IHDR."""
    values = {"depth": 8, "colour": 0, "compression": 0, "filters": 0, "interlace": 0} | fields
    size = (64).to_bytes(4, "big") * 2
    header = made.png_chunk(b"IHDR", size + bytes(values.values()))
    return made.PNG_SIGNATURE + header + made.png()[33:]


BROKEN = {
    "no data": made.png_file(64, 64, b""),
    "no width": made.png_file(0, 64, made.png_chunk(b"IDAT", rows(64, 64))),
    "data of fewer rows": made.png_file(64, 64, made.png_chunk(b"IDAT", rows(64, 63))),
    "data of more rows": made.png_file(64, 64, made.png_chunk(b"IDAT", rows(64, 65))),
    "data without its end": made.png_file(64, 64, made.png_chunk(b"IDAT", rows(64, 64)[:-1])),
    "no zlib data": made.png_file(64, 64, made.png_chunk(b"IDAT", b"abcdefgh")),
    "a bomb": made.png_file(64, 64, made.png_chunk(b"IDAT", made.bomb(64))),
    "little data for many pixels": made.png_file(9000, 9000, made.png_chunk(b"IDAT", bytes(99))),
    "no end": made.png()[:-12],
    "a wrong CRC of data": made.png()[:-13] + b"\0" + made.png()[-12:],
    "a wrong CRC of the header": made.png()[:32] + b"\0" + made.png()[33:],
    "two headers": made.png_file(64, 64, made.png()[8:]),
    "data in two places": made.png_file(
        64,
        64,
        made.png_chunk(b"acTL", b"\0\0\0\1" + bytes(4))
        + made.png_chunk(b"IDAT", rows(64, 64)[:9])
        + made.png_chunk(b"fcTL", bytes(4) + b"\0\0\0\1\0\0\0\1" + bytes(14))
        + made.png_chunk(b"IDAT", rows(64, 64)[9:]),
    ),
    "3 bits": with_header(depth=3),
    "an unknown colour type": with_header(colour=5),
    "an unknown compression": with_header(compression=1),
    "too many chunks": made.png(before=made.png_chunk(b"tEXt", b"") * 50_000),
    "fewer frames than stated": animated(3, 2),
    "more frames than stated": animated(2, 3),
    "a frame wider than the image": animated(1, 1, width=65),
    "a frame outside of the image": animated(1, 1, inside=65),
    "a frame of no width": animated(1, 1, width=0),
}


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "two headers"])
def test_a_broken_structure_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as rejected:
        before_decoding(BROKEN[name], "image/png", tmp_path)
    assert rejected.value.reason == "corrupt"


def test_a_second_header_is_removed(tmp_path: Path) -> None:
    assert clean(BROKEN["two headers"], "image/png", tmp_path) == made.png()
