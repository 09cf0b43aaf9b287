"""Cleaned GIF files: what is kept, what is not, and that no pixel changes."""

from pathlib import Path

import pytest

from broker.inspection.inspected import Rejected
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding, clean, pixels

NEEDLE = b"52.5200 north, 13.4050 east"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x05\x00\x00"
CONTROL = b"\x21\xf9\x04\x04\x0a\x00\x00\x00"


def extension(label: int, *sub_blocks: bytes) -> bytes:
    return bytes([0x21, label]) + b"".join(bytes([len(s)]) + s for s in sub_blocks) + b"\0"


TEXTS = {
    "comment": extension(0xFE, NEEDLE),
    "plain text": extension(0x01, bytes(12), NEEDLE),
    "XMP": extension(0xFF, b"XMP DataXMP", NEEDLE),
    "a loop with more": extension(0xFF, b"NETSCAPE2.0", b"\x01\0\0", NEEDLE),
    "a control with more": extension(0xF9, bytes(4), NEEDLE),
    "a control of another length": extension(0xF9, NEEDLE),
    "unknown": extension(0xAA, NEEDLE),
}


def test_no_pixel_changes(tmp_path: Path) -> None:
    gif = made.encoded(".gif", 101, 53)
    assert pixels(clean(gif, "image/gif", tmp_path)) == pixels(gif)


def test_an_animation_keeps_its_frames_times_and_loop(tmp_path: Path) -> None:
    frame = made.animated_gif(1, 64, 64)[19:-1]
    gif = made.animated_gif(0, 64, 64, before=LOOP + (CONTROL + frame) * 3)
    found = before_decoding(gif, "image/gif", tmp_path)
    assert found.header.frames == 3
    assert found.cleaned == gif
    assert pixels(found.cleaned)


@pytest.mark.parametrize("name", TEXTS)
def test_text_in_extensions_is_removed(name: str, tmp_path: Path) -> None:
    gif = made.animated_gif(2, 64, 64, before=TEXTS[name])
    cleaned = clean(gif[:-1] + TEXTS[name] + gif[-1:], "image/gif", tmp_path)
    assert NEEDLE not in cleaned
    assert pixels(cleaned) == pixels(made.animated_gif(2, 64, 64))


def test_what_follows_the_trailer_is_removed(tmp_path: Path) -> None:
    gif = made.animated_gif(2, 64, 64)
    assert clean(gif + NEEDLE, "image/gif", tmp_path) == gif


def test_a_missing_trailer_is_added(tmp_path: Path) -> None:
    gif = made.animated_gif(2, 64, 64)
    assert clean(gif[:-1], "image/gif", tmp_path) == gif


def test_the_canvas_counts_and_not_the_frame(tmp_path: Path) -> None:
    assert before_decoding(made.animated_gif(1), "image/gif", tmp_path).header.width == 4000
    with pytest.raises(Rejected) as rejected:
        before_decoding(made.animated_gif(1, 10_001, 10_000), "image/gif", tmp_path)
    assert rejected.value.reason == "too_many_pixels"


GIF = made.animated_gif(1, 64, 64)
BROKEN = {
    "a header cut off": GIF[:10],
    "a colour table cut off": GIF[:17],
    "no frame": made.animated_gif(0),
    "a frame cut off": GIF[:-2],
    "an unknown block": GIF[:-1] + b"\x99" + GIF[-1:],
    "a frame outside of the canvas": GIF.replace(b"\x2c" + bytes(4), b"\x2c\x40\0\0\0"),
    "a frame without pixels": GIF.replace(b"\1\0\1\0", b"\0\0\1\0"),
    "too many sub-blocks": made.animated_gif(1, before=extension(0xFE, *[b"a"] * 500_000)),
    "too many extensions": made.animated_gif(1, before=extension(0xFE) * 20_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_structure_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as rejected:
        before_decoding(BROKEN[name], "image/gif", tmp_path)
    assert rejected.value.reason == "corrupt"
