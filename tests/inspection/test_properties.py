"""Cleaning any bytes: they are rejected, or the result is a clean file of the same type."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.inspection import formats
from broker.inspection.inspected import Rejected
from tests.inspection import containers as made
from tests.inspection.cleaning import before_decoding

NEEDLE = b"<script>alert(1)</script>"
SEEDS = {
    "image/jpeg": [made.encoded(".jpg"), made.encoded(".jpg", interlace=True)],
    "image/png": [made.encoded(".png"), made.encoded(".png", palette=True)],
    "image/webp": [made.encoded(".webp"), made.animated_webp(2, 64, 64)],
    "image/gif": [made.encoded(".gif"), made.animated_gif(3, 64, 64)],
    "image/avif": [made.encoded(".avif")[:600]],
    "image/heic": [made.tiled_heic(3, 3)],
}
# Seconds of CPU for a file of a few kB.
LIMIT = 0.5


@st.composite
def damaged_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a type and a file of it, with some bytes changed, cut or inserted."""
    content_type = draw(st.sampled_from(sorted(SEEDS)))
    data = bytearray(draw(st.sampled_from(SEEDS[content_type])))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        change = draw(st.sampled_from(["set", "insert", "cut", "repeat", "end"]))
        if change == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif change == "insert":
            data[at:at] = draw(st.sampled_from([NEEDLE, b"\xff", b"\0" * 9, b"\xff\xd9", b"\x3b"]))
        elif change == "cut":
            del data[at : at + draw(st.integers(1, 200))]
        elif change == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
        else:
            del data[at:]
    return content_type, bytes(data)


@given(damaged_files())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_rejected_or_becomes_a_clean_one(file: tuple[str, bytes]) -> None:
    content_type, data = file
    with TemporaryDirectory() as name:
        directory = Path(name)
        started = time.process_time()
        try:
            found = before_decoding(data, content_type, directory)
        except Rejected:
            return
        finally:
            assert time.process_time() - started < LIMIT
        if not found.cleaned:
            return
        assert formats.detect(directory / "target") == content_type
        again = before_decoding(found.cleaned, content_type, directory)
        assert again.cleaned == found.cleaned
        assert again.header == found.header


def _jpeg(marker: int, name: bytes, text: bytes) -> bytes:
    return made.jpeg_with(made.segment(marker, (name + text)[:65_533]))


def _png(kind: bytes, text: bytes) -> bytes:
    return made.png(before=made.png_chunk(kind, text))


def _webp(kind: bytes, text: bytes) -> bytes:
    simple = made.encoded(".webp", strip=True)
    at = max(simple.find(b"VP8 "), simple.find(b"VP8L"))
    return made.webp_file(made.webp_header(0, 64, 64) + made.riff_chunk(kind, text) + simple[at:])


@st.composite
def files_with_text(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a type and a file of it with text in a part that no decoder of pixels needs."""
    text = draw(st.binary(max_size=300)) + NEEDLE * draw(st.integers(1, 30))
    end = draw(st.sampled_from([b"", text]))
    kind = draw(st.binary(min_size=4, max_size=4).filter(lambda kind: kind not in _PIXELS))
    match draw(st.sampled_from(["jpeg", "png", "webp", "gif"])):
        case "jpeg":
            marker = draw(st.sampled_from([*range(0xE0, 0xF0), 0xFE, 0xF0, 0xDC, 0xDE, 0x02]))
            name = draw(
                st.sampled_from([b"", b"Exif\0\0MM\0*", b"JFIF\0", b"http://ns.adobe.com/"])
            )
            return "image/jpeg", _jpeg(marker, name, text) + end
        case "png":
            return "image/png", _png(kind, text) + end
        case "webp":
            return "image/webp", _webp(kind, text) + end
        case _:
            label = draw(st.integers(0, 255))
            blocks = b"".join(
                bytes([len(part)]) + part
                for part in (text[at : at + 255] for at in range(0, len(text), 255))
            )
            extension = bytes([0x21, label]) + blocks + b"\0"
            return "image/gif", made.animated_gif(2, 64, 64, before=extension) + end


_PIXELS = (b"IDAT", b"IEND", b"IHDR", b"VP8 ", b"VP8L", b"ALPH", b"ANMF")


@given(files_with_text())
@settings(max_examples=150, deadline=None)
def test_text_in_metadata_never_survives(file: tuple[str, bytes]) -> None:
    content_type, data = file
    with TemporaryDirectory() as name:
        assert NEEDLE in data
        assert NEEDLE not in before_decoding(data, content_type, Path(name)).cleaned


@pytest.mark.parametrize("content_type", sorted(SEEDS))
@given(st.binary(max_size=400))
@settings(max_examples=25, deadline=None)
def test_random_bytes_after_a_files_first_ones_cause_no_other_error(
    content_type: str, data: bytes
) -> None:
    head = SEEDS[content_type][0][:40]
    with TemporaryDirectory() as name:
        try:
            cleaned = before_decoding(head + data, content_type, Path(name)).cleaned
        except Rejected:
            return
        assert len(cleaned) <= len(head + data) + 100
