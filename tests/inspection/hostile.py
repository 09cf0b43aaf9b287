"""The hostile files: what each one is, and what must become of it.

Tests of the worker and benchmarks use them too. Each file is made when it is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from broker.domain.rejections import RejectionReason as Reason
from tests.inspection import containers as made

HTML = b"<html><body><script>alert(document.domain)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
MP4 = made.box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41") + made.box(b"mdat", bytes(500))
# Inflated, each bomb is 4 GiB.
_BOMB_MIB = 4096


@dataclass(frozen=True)
class HostileFile:
    """A hostile file.

    Attributes:
        content_type: the type that the client declares.
        make: returns the file's bytes.
        reason: why it is rejected, or None if it is cleaned.
        from_header: whether it is rejected before anything is decoded.
        needle: bytes that must not be in the published file.
    """

    content_type: str
    make: Callable[[], bytes]
    reason: Reason | None
    from_header: bool = True
    needle: bytes = HTML


def square_png() -> bytes:
    """Return a PNG of 50,000 x 50,000 pixels in 4 kB."""
    return made.png_file(50_000, 50_000, made.png_chunk(b"IDAT", made.bomb(3)))


def square_jpeg() -> bytes:
    """Return a JPEG whose header states 65,500 x 65,500 pixels."""
    return made.resized_jpeg(65_500, 65_500)


def short_jpeg() -> bytes:
    """Return a JPEG whose header states 4000 x 3000 pixels, with the data of 8 x 8."""
    return made.resized_jpeg(4000, 3000, made.encoded(".jpg", 8, 8))


def many_scans(scans: int = 3000) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    jpeg = made.encoded(".jpg", interlace=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * (scans - jpeg.count(b"\xff\xda")) + jpeg[-2:]


def text_bomb(kind: bytes) -> bytes:
    """Return a PNG with a compressed text, or profile, of 4 GiB."""
    prefix = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"iCCP": b"icc\0\0"}[kind]
    return made.png(before=made.png_chunk(kind, prefix + made.bomb(_BOMB_MIB)))


def data_bomb() -> bytes:
    """Return a PNG of 64 x 64 pixels whose data inflates to 4 GiB."""
    return made.png_file(64, 64, made.png_chunk(b"IDAT", made.bomb(_BOMB_MIB)))


def cut(suffix: str) -> bytes:
    """Return the first half of an image file."""
    whole = made.encoded(suffix, 256, 256)
    return whole[: len(whole) // 2]


def half_jpeg(width: int = 4000, height: int = 3000) -> bytes:
    """Return a JPEG whose lower half is missing, with an EOI marker."""
    whole = made.encoded(".jpg", width, height)
    return whole[: len(whole) // 2] + b"\xff\xd9"


def understated_avif() -> bytes:
    """Return an AVIF of 1000 x 1000 pixels that states 64 x 64."""
    avif = made.encoded(".avif", 1000, 1000, effort=0)
    at = avif.index(b"ispe") + 8
    return avif[:at] + made.number(64, 4) * 2 + avif[at + 8 :]


def html_in_segment() -> bytes:
    """Return a JPEG with a web page in a comment, in APP segments and in a table nothing uses."""
    table = made.segment(0xDB, b"\x03" + HTML[:64].ljust(64))
    named = [made.segment(marker, HTML) for marker in (0xFE, 0xE0, 0xE1, 0xE2, 0xED, 0xEE)]
    return made.jpeg_with(b"".join(named) + table)


def html_after_end() -> bytes:
    """Return a JPEG with a web page after EOI."""
    return made.encoded(".jpg") + HTML


def html_in_data(interlace: bool = False) -> bytes:
    """Return a JPEG with a web page between its last MCU and EOI."""
    jpeg = made.encoded(".jpg", interlace=interlace)
    return jpeg[:-2] + HTML * 100 + jpeg[-2:]


FILES: dict[str, HostileFile] = {
    "png-50000": HostileFile("image/png", square_png, Reason.TOO_MANY_PIXELS),
    "png-data-bomb": HostileFile("image/png", data_bomb, Reason.CORRUPT),
    "jpeg-65500": HostileFile("image/jpeg", square_jpeg, Reason.TOO_MANY_PIXELS),
    "jpeg-short": HostileFile("image/jpeg", short_jpeg, Reason.CORRUPT),
    "jpeg-3000-scans": HostileFile("image/jpeg", many_scans, Reason.CORRUPT),
    "heic-8192-tiles": HostileFile("image/heic", partial(made.tiled_heic, 64, 128), Reason.CORRUPT),
    "jpeg-half": HostileFile("image/jpeg", half_jpeg, Reason.CORRUPT, from_header=False),
    "avif-understated": HostileFile(
        "image/avif", understated_avif, Reason.CORRUPT, from_header=False
    ),
    "html-as-jpeg": HostileFile("image/jpeg", lambda: HTML, Reason.NOT_AN_IMAGE),
    "svg-as-png": HostileFile("image/png", lambda: SVG, Reason.NOT_AN_IMAGE),
    "mp4-as-heic": HostileFile("image/heic", lambda: MP4, Reason.NOT_AN_IMAGE),
    "gif-as-jpeg": HostileFile("image/jpeg", partial(made.animated_gif, 1), Reason.TYPE_MISMATCH),
    "jpeg-html-in-segment": HostileFile("image/jpeg", html_in_segment, None),
    "jpeg-html-after-end": HostileFile("image/jpeg", html_after_end, None),
    "jpeg-html-in-data": HostileFile("image/jpeg", html_in_data, None),
    "progressive-html-in-data": HostileFile("image/jpeg", partial(html_in_data, True), None),
    "png-html-in-data": HostileFile("image/png", partial(made.png, tail=HTML), None),
    "png-html-after-end": HostileFile("image/png", partial(made.png, end=HTML), None),
}
for _frames in (10_000, 1_000_000):
    FILES[f"gif-{_frames}-frames"] = HostileFile(
        "image/gif", partial(made.animated_gif, _frames), Reason.TOO_MANY_FRAMES
    )
    FILES[f"webp-{_frames}-frames"] = HostileFile(
        "image/webp", partial(made.animated_webp, _frames), Reason.TOO_MANY_FRAMES
    )
for _kind in (b"zTXt", b"iTXt", b"iCCP"):
    FILES[f"png-{_kind.decode()}-bomb"] = HostileFile(
        "image/png", partial(text_bomb, _kind), None, needle=_kind
    )
for _suffix, _type in ((".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp")):
    FILES[f"truncated{_suffix}"] = HostileFile(_type, partial(cut, _suffix), Reason.CORRUPT)
FILES["truncated.gif"] = HostileFile("image/gif", partial(cut, ".gif"), Reason.CORRUPT)
FILES["truncated.avif"] = HostileFile(
    "image/avif", partial(cut, ".avif"), Reason.CORRUPT, from_header=False
)
