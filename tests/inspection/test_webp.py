"""Cleaned WebP files: what is kept, what is not, and that no pixel changes."""

from pathlib import Path

import pytest

from broker.inspection.inspected import Rejected
from broker.inspection.orientation import orientation_only
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding, clean, pixels

NEEDLE = b"52.5200 north, 13.4050 east"
PROFILE = (200).to_bytes(4, "big") + bytes(32) + b"acsp" + bytes(160)
TEXT = b"".join(made.riff_chunk(kind, NEEDLE) for kind in (b"XMP ", b"EXIF", b"ICCP", b"abcd"))


def image_of(webp: bytes) -> bytes:
    """Return the chunks of a simple file's image."""
    at = max(webp.find(b"VP8 "), webp.find(b"VP8L"))
    return webp[at : at + 8 + int.from_bytes(webp[at + 4 : at + 8], "little")]


LOSSY, LOSSLESS = (image_of(made.encoded(".webp", lossless=one)) for one in (False, True))


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_no_pixel_changes(options: dict[str, object], tmp_path: Path) -> None:
    webp = made.encoded(".webp", 101, 53, **options)
    assert pixels(clean(webp, "image/webp", tmp_path)) == pixels(webp)


def test_alpha_is_kept(tmp_path: Path) -> None:
    import pyvips

    image = pyvips.Image.new_from_buffer(made.encoded(".png"), "").bandjoin(120)
    webp = image.copy(interpretation="srgb").write_to_buffer(".webp")
    cleaned = clean(webp, "image/webp", tmp_path)
    assert b"ALPH" in cleaned
    assert pixels(cleaned) == pixels(webp)


@pytest.mark.parametrize("image", [LOSSY, LOSSLESS], ids=["lossy", "lossless"])
def test_other_chunks_and_what_follows_the_end_are_removed(image: bytes, tmp_path: Path) -> None:
    assert clean(made.webp_file(image + TEXT), "image/webp", tmp_path) == made.webp_file(image)
    assert clean(made.webp_file(image) + NEEDLE, "image/webp", tmp_path) == made.webp_file(image)
    extended = made.webp_file(made.webp_header(0x2C, 64, 64) + TEXT + image + TEXT)
    expected = made.webp_file(made.webp_header(0, 64, 64) + image)
    assert clean(extended, "image/webp", tmp_path) == expected


def test_a_profile_is_kept_without_what_follows_it(tmp_path: Path) -> None:
    profile = made.riff_chunk(b"ICCP", PROFILE + NEEDLE)
    webp = made.webp_file(made.webp_header(0x20, 64, 64) + profile + LOSSY)
    kept = made.webp_header(0x20, 64, 64) + made.riff_chunk(b"ICCP", PROFILE) + LOSSY
    assert clean(webp, "image/webp", tmp_path) == made.webp_file(kept)


def test_the_orientation_is_ignored_as_in_browsers(tmp_path: Path) -> None:
    exif = made.riff_chunk(b"EXIF", orientation_only(6))
    webp = made.webp_file(made.webp_header(0x08, 64, 64) + LOSSY + exif)
    found = before_decoding(webp, "image/webp", tmp_path)
    assert found.header.orientation == 1
    assert b"EXIF" not in found.cleaned


def test_an_animation_is_kept_without_other_chunks_in_its_frames(tmp_path: Path) -> None:
    planted = made.animated_webp(3, 64, 64, inside=made.riff_chunk(b"abcd", NEEDLE))
    found = before_decoding(planted, "image/webp", tmp_path)
    assert found.header.frames == 3
    assert found.cleaned == made.animated_webp(3, 64, 64)
    assert pixels(found.cleaned)


def test_the_canvas_times_the_frames_is_limited(tmp_path: Path) -> None:
    assert before_decoding(made.animated_webp(250, 2000, 2000), "image/webp", tmp_path)
    with pytest.raises(Rejected) as rejected:
        before_decoding(made.animated_webp(251, 2000, 2000), "image/webp", tmp_path)
    assert rejected.value.reason == "too_many_pixels"


HEADER = made.webp_header(0, 64, 64)
BROKEN = {
    "a header alone": made.webp_file(HEADER),
    "an animation without frames": made.animated_webp(0),
    "an animation without its header": made.webp_file(
        made.webp_header(0x02, 4000, 4000) + made.animated_webp(1)[44:]
    ),
    "an image cut off": made.webp_file(LOSSY[:-50]),
    "a file cut off": made.webp_file(LOSSY)[:-50],
    "an image without a size": made.webp_file(made.riff_chunk(b"VP8 ", bytes(30))),
    "an image smaller than its canvas": made.webp_file(made.webp_header(0, 65, 64) + LOSSY),
    "a frame without an image": made.webp_file(
        made.webp_header(0x02, 9, 9)
        + made.riff_chunk(b"ANIM", bytes(6))
        + made.riff_chunk(b"ANMF", bytes(16) + made.riff_chunk(b"abcd", NEEDLE))
    ),
    "a frame outside of the canvas": made.animated_webp(1).replace(
        b"ANMF\x26\0\0\0" + bytes(3), b"ANMF\x26\0\0\0\xff\xff\xff"
    ),
    "too many chunks": made.webp_file(HEADER + made.riff_chunk(b"abcd", b"") * 20_000 + LOSSY),
    "too many chunks in a frame": made.animated_webp(1, inside=made.riff_chunk(b"abcd", b"") * 16),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_structure_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as rejected:
        before_decoding(BROKEN[name], "image/webp", tmp_path)
    assert rejected.value.reason == "corrupt"


def test_an_alpha_channel_that_the_header_does_not_announce_is_removed(tmp_path: Path) -> None:
    """Libwebp ignores it, so it could hold anything."""
    lossy = made.encoded(".webp", 64, 64, keep="none")
    assert lossy[12:16] == b"VP8 "
    hidden = made.riff_chunk(b"ALPH", b"<script>alert(1)</script>")
    whole = made.webp_file(made.webp_header(0, 64, 64) + hidden + lossy[12:])
    assert b"<script>" not in clean(whole, "image/webp", tmp_path)
