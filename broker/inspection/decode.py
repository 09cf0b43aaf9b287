"""Decode an image file strictly: all of its data, but no more pixels than are needed.

Each type has its own loader. libvips is never asked which one to use, because it would open
everything that it knows, for example TIFF and its own formats.
"""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection.headers import Header
from broker.inspection.inspected import Rejected
from broker.inspection.jpeg_tail import TailReader, hidden_bytes, trim
from broker.inspection.libvips import corrupt_if_it_warns
from broker.inspection.resize import resized, upright

# `error` accepts a JPEG with a part missing and fills it with grey; see
# docs/decisions/inspection.md for what `warning` does to genuine photos.
_STRICT = {"access": "sequential", "fail_on": "warning"}
_LOADERS = {"image/png": pyvips.Image.pngload, "image/gif": pyvips.Image.gifload}
_JPEG_SHRINKS = (8, 4, 2)
_EOI_BYTES = 2
# What is hidden in a JPEG is removed in steps; two are enough for every file seen.
_MAX_DECODINGS = 4


def decode(path: Path, content_type: str, header: Header, width: int) -> pyvips.Image:
    """Return the image, or the first frame of an animation, in memory and `width` pixels wide.

    It is upright, in its own colour space, with alpha if the file has it. The file is one that
    this package has cleaned. Bytes that a JPEG hides behind its last MCU are removed from it.
    Raise Rejected if the data is damaged or incomplete.
    """
    shrink = header.upright_size[0] / width
    if content_type == "image/jpeg":
        return _decode_jpeg(path, header, width, shrink)
    if content_type == "image/webp":
        scale = 1 / shrink if header.frames == 1 else 1
        return _render(
            partial(pyvips.Image.webpload, str(path), scale=scale, **_STRICT), header, width
        )
    return _render(partial(_LOADERS[content_type], str(path), **_STRICT), header, width)


def _decode_jpeg(path: Path, header: Header, width: int, shrink: float) -> pyvips.Image:
    """Decode a JPEG at 1/2, 1/4 or 1/8 of its size if that is enough, and trim its file.

    At each of these sizes the decoder reads and checks all entropy-coded data.
    """
    # libvips rounds down, so a side that is shorter than the factor would vanish.
    most = min(shrink, header.width, header.height)
    on_load = max((each for each in _JPEG_SHRINKS if each <= most), default=1)
    for _ in range(_MAX_DECODINGS):
        with closing(TailReader(path)) as reader:
            source = pyvips.SourceCustom()
            source.on_read(reader.read)
            source.on_seek(reader.seek)
            load = partial(pyvips.Image.jpegload_source, source, shrink=on_load, **_STRICT)
            try:
                image = _render(load, header, width)
            except Rejected as rejected:
                hidden = hidden_bytes(str(rejected))
                if not hidden:
                    raise
                trim(path, path.stat().st_size - _EOI_BYTES - hidden)
                continue
        if not trim(path, reader.read_to):
            return image
    raise Rejected(RejectionReason.CORRUPT, "bytes are hidden between the image's data and its end")


def _render(load: Callable[[], pyvips.Image], header: Header, width: int) -> pyvips.Image:
    """Return the upright image in memory, `width` pixels wide."""
    upright_width, upright_height = header.upright_size
    size = width, max(1, round(upright_height * width / upright_width))
    stored = size if header.orientation < 5 else size[::-1]
    with corrupt_if_it_warns():
        image = resized(load(), *stored).copy_memory()
    return upright(image, header.orientation)
