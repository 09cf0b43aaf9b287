"""What inspect() accepts, and why it rejects the rest."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from broker.domain.rejections import RejectionReason
from broker.inspection.inspected import Rejected
from broker.inspection.libvips import decoding_failed, set_up
from tests.inspection.pictures import animation, heif, inspected, picture, pyvips, rejection
from tests.servers import installed_or_skip

CORRUPT = RejectionReason.CORRUPT
EOI = b"\xff\xd9"


def test_an_image_is_published_with_its_variants_sizes_and_digests(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(1000, 500).jpegsave(str(source))
    result = inspected(source, tmp_path)
    assert (result.image.content_type, result.image.width, result.image.height) == (
        "image/jpeg",
        1000,
        500,
    )
    assert [(each.width, each.height) for each in result.variants] == [(320, 160), (800, 400)]
    assert {each.content_type for each in result.variants} == {"image/webp"}
    for file in (result.image, *result.variants):
        content = file.path.read_bytes()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert (file.size, file.checksum_sha256) == (len(content), digest)
    written = {path.name for path in (tmp_path / "results").iterdir()}
    assert written == {"image.jpg", "320.webp", "800.webp"}
    assert len(base64.b64decode(result.thumbhash)) >= 5


@pytest.mark.parametrize(
    ("content", "declared", "reason"),
    [
        (b"<!doctype html><script>alert(1)</script>", "image/jpeg", "not_an_image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/png", "not_an_image"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "image/heic", "not_an_image"),
        (b"", "image/jpeg", "not_an_image"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "corrupt"),
    ],
)
def test_what_is_no_image_is_rejected(
    tmp_path: Path, content: bytes, declared: str, reason: str
) -> None:
    source = tmp_path / "upload"
    source.write_bytes(content)
    assert rejection(source, tmp_path, content_type=declared) == reason


def test_a_png_that_was_declared_as_jpeg_is_rejected(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(64, 48).pngsave(str(source))
    assert rejection(source, tmp_path, content_type="image/jpeg") == RejectionReason.TYPE_MISMATCH
    assert rejection(source, tmp_path, content_type="image/png") is None


def test_too_many_pixels_or_frames_are_rejected(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(200, 100).jpegsave(str(source))
    assert rejection(source, tmp_path, max_pixels=19_999) == RejectionReason.TOO_MANY_PIXELS
    assert rejection(source, tmp_path, max_pixels=20_000) is None
    animation([picture(40, 30).invert(), picture(40, 30), picture(40, 30).invert()]).gifsave(
        str(source)
    )
    assert rejection(source, tmp_path, max_frames=2) == RejectionReason.TOO_MANY_FRAMES
    assert rejection(source, tmp_path, max_frames=3) is None


def test_a_file_that_its_header_gives_away_loads_no_decoder(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(200, 100).jpegsave(str(source))
    code = f"""
import json, sys
from pathlib import Path
from broker.inspection.inspected import Rejected, Request
from broker.inspection.inspect import inspect
request = Request(source=Path({str(source)!r}), directory=Path({str(tmp_path)!r}),
    content_type="image/jpeg", max_pixels=100, max_frames=1, variant_widths=(320,))
try:
    inspect(request)
except Rejected as rejected:
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    loaded = sorted({{"pyvips", "pi_heif", "PIL"}} & set(sys.modules))
    print(json.dumps([rejected.reason, loaded, int(peak) / 1024]))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    reason, loaded, mebibytes = json.loads(ended.stdout)
    assert (reason, loaded) == ("too_many_pixels", [])
    assert mebibytes < 32


def _jpeg(path: Path, **options: Any) -> None:
    picture(1000, 744).jpegsave(str(path), **options)


ENCODERS = {
    "jpeg": _jpeg,
    "jpeg 4:4:4": lambda path: _jpeg(path, subsample_mode="off"),
    "progressive jpeg": lambda path: _jpeg(path, interlace=True),
    "png": lambda path: picture(400, 300).pngsave(str(path)),
    "interlaced png": lambda path: picture(400, 300).pngsave(str(path), interlace=True),
    "webp": lambda path: picture(400, 300).webpsave(str(path)),
    "lossless webp": lambda path: picture(400, 300).webpsave(str(path), lossless=True, effort=0),
    "gif": lambda path: picture(400, 300).gifsave(str(path), effort=1),
}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_truncated_file_is_corrupt(tmp_path: Path, encoder: str) -> None:
    whole, source = tmp_path / "whole", tmp_path / "upload"
    ENCODERS[encoder](whole)
    assert rejection(whole, tmp_path) is None
    content = whole.read_bytes()
    # The last byte of a GIF is only its trailer.
    for missing in (2, 3, 11, 100, 4100, len(content) // 2, len(content) - 600):
        source.write_bytes(content[:-missing])
        assert rejection(source, tmp_path) == CORRUPT, missing


@pytest.mark.parametrize("extension", ["avif", "heic"])
def test_a_truncated_heif_file_is_corrupt(tmp_path: Path, extension: str) -> None:
    source = tmp_path / f"upload.{extension}"
    with installed_or_skip():
        heif(picture(320, 240), source)
    content = source.read_bytes()
    for missing in (1, 20, len(content) // 2, len(content) - 100):
        source.write_bytes(content[:-missing])
        assert rejection(source, tmp_path) == CORRUPT, missing


@pytest.mark.parametrize("encoder", ["jpeg", "jpeg 4:4:4", "progressive jpeg"])
@pytest.mark.parametrize("widths", [(), (320,), (800,)])
def test_a_jpeg_that_only_looks_complete_is_corrupt(
    tmp_path: Path, encoder: str, widths: tuple[int, ...]
) -> None:
    """The decoder fills what is missing with grey, and libvips overlooks it in the last 8 rows."""
    source = tmp_path / "upload"
    ENCODERS[encoder](source)
    content = source.read_bytes()
    for missing in (5, 200, 5000):
        source.write_bytes(content[:-missing] + EOI)
        assert rejection(source, tmp_path, widths=widths) == CORRUPT, missing


@pytest.mark.parametrize("encoder", ["jpeg", "jpeg 4:4:4", "progressive jpeg"])
@pytest.mark.parametrize("times", [1, 1000])
def test_html_behind_the_last_pixel_of_a_jpeg_is_removed(
    tmp_path: Path, encoder: str, times: int
) -> None:
    source = tmp_path / "upload"
    ENCODERS[encoder](source)
    content = source.read_bytes()
    source.write_bytes(
        content[: -len(EOI)] + b"<script>alert(document.domain)</script>" * times + EOI
    )
    result = inspected(source, tmp_path)
    published = result.image.path.read_bytes()
    assert b"alert" not in published
    assert len(published) < len(content) + 20
    assert result.image.size == len(published)
    shown = pyvips.Image.jpegload(str(result.image.path), fail_on="warning")
    assert (shown - picture(1000, 744)).abs().avg() < 20


def test_one_changed_byte_in_a_png_is_corrupt(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    picture(300, 200).pngsave(str(source))
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 0x10
    source.write_bytes(content)
    assert rejection(source, tmp_path) == CORRUPT


def test_a_lack_of_memory_is_not_the_files_fault() -> None:
    lacking = pyvips.Error("unable to call jpegload", "out of memory -- size == 300MB")
    assert isinstance(decoding_failed(lacking), MemoryError)
    broken = pyvips.Error("unable to call jpegload", "VipsJpeg: premature end of JPEG image\n")
    failed = decoding_failed(broken)
    assert isinstance(failed, Rejected)
    assert failed.reason == CORRUPT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"1,2\n3,4\n"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
)
def test_libvips_reads_no_format_that_it_does_not_trust(
    name: str, content: bytes, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    pyvips.block_untrusted_set(False)
    assert pyvips.Image.new_from_file(str(file)).width in (2, 9)
    set_up()
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_file(str(file)).avg()
