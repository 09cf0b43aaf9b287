"""The content type of an image file, from its content alone."""

from pathlib import Path

from broker.inspection.structure.boxes import brands

_HEAD_BYTES = 512
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# The same file format; which codec is inside differs. Cameras and browsers use both names.
_SAME = {"image/heif": "image/heic"}


def detect(path: Path) -> str | None:
    """Return the content type of the image in a file, a key of `media_types.py: EXTENSIONS`.

    A HEIF file is `image/heic` if it holds HEVC, `image/heif` otherwise. Return None if the file
    is no image of an accepted type, such as SVG, HTML, MP4, TIFF or PDF.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png" if head[12:16] == b"IHDR" else None
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp" if head[12:16] in (b"VP8 ", b"VP8L", b"VP8X") else None
    return _heif_type(head)


def same_type(declared: str, detected: str) -> bool:
    """Check whether a file of the detected type is what was declared.

    Both are keys of `media_types.py: EXTENSIONS`. HEIC and HEIF count as one type.
    """
    return _SAME.get(declared, declared) == _SAME.get(detected, detected)


def _heif_type(head: bytes) -> str | None:
    """Return the type of a HEIF file (ISO/IEC 23008-12), by the brands of its `ftyp` box.

    The brands of MP4 and QuickTime are none of these.
    """
    major, compatible = brands(head)
    named = {major, *compatible}
    if named & _AVIF_BRANDS:
        return "image/avif"
    if named & _HEIC_BRANDS:
        return "image/heic"
    return "image/heif" if major in (b"mif1", b"msf1") else None
