"""Decode an image file strictly with libvips: every byte of its data, no more pixels than needed.

Each type has its own loader. libvips is never asked which one to use, because it would open
anything that it knows: TIFF, SVG, PDF, its own formats.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection import jpeg_tail
from broker.inspection.headers import Header
from broker.inspection.inspected import Rejected

# `error` accepts a JPEG with a part missing and fills it with grey. `warning` accepted 731 of 731
# genuine photos after they were cleaned; see docs/decisions/inspection.md.
_STRICT = {"access": "sequential", "fail_on": "warning"}
_JPEG_SHRINKS = (8, 4, 2)
# EXIF orientation: how to mirror the stored image, and how to turn it clockwise afterwards.
_ORIENTATIONS = {
    1: ("", ""),
    2: ("horizontal", ""),
    3: ("", "d180"),
    4: ("vertical", ""),
    5: ("horizontal", "d270"),
    6: ("", "d90"),
    7: ("horizontal", "d90"),
    8: ("", "d270"),
}
# A JPEG with hidden bytes is trimmed in steps of up to 4 KiB.
_MAX_TRIMS = 4


def set_up() -> None:
    """Set libvips up for one image: no guessed loaders, one thread, no cache."""
    pyvips.block_untrusted_set(True)
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)


@contextmanager
def corrupt_if_it_warns() -> Iterator[None]:
    """Raise Rejected if libvips fails or warns. A lack of memory is not the file's fault.

    libvips looks for the decoder's warnings before each 8 rows, so `fail_on` misses those of the
    last 8 rows: seen with a truncated JPEG. They stay in its error buffer, which an Error empties.
    """
    _warnings()
    try:
        yield
    except pyvips.Error as error:
        if "memory" in error.detail.lower():
            raise
        raise Rejected(RejectionReason.CORRUPT, error.detail.strip()) from error
    if warnings := _warnings():
        raise Rejected(RejectionReason.CORRUPT, warnings)


def _warnings() -> str:
    """Return what is in libvips' error buffer, and empty it."""
    return str(pyvips.Error("").detail).strip()


def decode(path: Path, content_type: str, header: Header, width: int) -> pyvips.Image:
    """Return the image, or the first frame of an animation, `width` pixels wide, in memory.

    It is upright, in its own colour space, with alpha if the file has it. The file is one that this package has
    cleaned; bytes hidden in a JPEG behind its last MCU are removed from it. Raise Rejected if the
    data is damaged or incomplete.
    """
    shrink = header.upright_size[0] / width
    if content_type == "image/jpeg":
        return _decode_jpeg(path, header, width, shrink)
    if content_type == "image/webp":
        options = {"scale": 1 / shrink} if header.frames == 1 else {}
        return _rendered(
            lambda: pyvips.Image.webpload(str(path), **options, **_STRICT), header, width
        )
    load = {"image/png": pyvips.Image.pngload, "image/gif": pyvips.Image.gifload}[content_type]
    return _rendered(lambda: load(str(path), **_STRICT), header, width)


def resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Return an image with exactly this size, with its alpha. Nothing is computed yet."""
    return image.thumbnail_image(width, height=height, size="force", no_rotate=True)


def _decode_jpeg(path: Path, header: Header, width: int, shrink: float) -> pyvips.Image:
    """Decode a JPEG at 1/2, 1/4 or 1/8 of its size if that is enough, and trim it.

    The decoder reads and checks all entropy-coded data at any of these sizes.
    """
    on_load = max((each for each in _JPEG_SHRINKS if each <= shrink), default=1)
    for _ in range(_MAX_TRIMS):
        with closing(jpeg_tail.TailReader(path)) as reader:
            source = pyvips.SourceCustom()
            source.on_read(reader.read)
            source.on_seek(reader.seek)
            try:
                image = _rendered(
                    lambda: pyvips.Image.jpegload_source(source, shrink=on_load, **_STRICT),
                    header,
                    width,
                )
            except Rejected as rejected:
                hidden = jpeg_tail.hidden_bytes(str(rejected))
                if not hidden:
                    raise
                jpeg_tail.trim(path, path.stat().st_size - 2 - hidden)
                continue
        if not jpeg_tail.trim(path, reader.read_to):
            return image
    raise Rejected(RejectionReason.CORRUPT, "bytes are hidden between the image's data and its end")


def _rendered(load: Callable[[], Any], header: Header, width: int) -> pyvips.Image:
    """Return the upright image in memory, `width` pixels wide."""
    upright_width, upright_height = header.upright_size
    size = width, max(1, round(upright_height * width / upright_width))
    stored = size if header.orientation < 5 else (size[1], size[0])
    with corrupt_if_it_warns():
        image = resized(load(), *stored).copy_memory()
    return _upright(image, header.orientation)


def _upright(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """Return an image mirrored and turned as its EXIF orientation says."""
    mirror, turn = _ORIENTATIONS[orientation]
    if mirror:
        image = image.flip(mirror)
    return image.rot(turn) if turn else image
