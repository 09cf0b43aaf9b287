"""Convert HEIC and AVIF, which many browsers cannot display, to JPEG."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection.colour import PROFILE
from broker.inspection.icc import usable_profile
from broker.inspection.inspected import Rejected
from broker.inspection.libvips import decoding_failed

QUALITY = 85
_WHITE = 255
# The modes of pi-heif, without their depth; a small "a" is premultiplied alpha.
_BANDS = {"L": 1, "I": 1, "LA": 2, "La": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}


class HeicNotInstalled(Exception):
    """The extra `heic` is not installed. The file may be a good one."""


def reads_heic() -> bool:
    """Check whether the decoder of HEIC files is installed, without loading it."""
    return find_spec("pi_heif") is not None


@contextmanager
def decoded(source: Path, content_type: str) -> Iterator[pyvips.Image]:
    """Yield the image of a HEIC or AVIF file, upright, without alpha: transparent parts are white.

    Its pixels are only valid inside the `with` statement. Raise Rejected if the data is damaged.
    """
    decode = _decoded_avif if content_type == "image/avif" else _decoded_heic
    with decode(source) as image:
        if image.format != "uchar":  # 10 or 12 bits a channel, stored as 16
            image = image.colourspace("srgb")
        if image.get_typeof(PROFILE):
            image = _with_profile(image, usable_profile(image.get(PROFILE)))
        yield image.flatten(background=_WHITE) if image.hasalpha() else image


def _with_profile(image: pyvips.Image, profile: bytes | None) -> pyvips.Image:
    image = image.copy()
    if profile is None:
        image.remove(PROFILE)
    else:
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def write_jpeg(image: pyvips.Image, target: Path) -> None:
    """Write an image as JPEG, which every browser displays.

    The ICC profile, mostly Display P3, is kept, because browsers apply it. There is no other
    metadata.
    """
    image.jpegsave(str(target), Q=QUALITY, keep="icc")


@contextmanager
def _decoded_avif(source: Path) -> Iterator[pyvips.Image]:
    try:
        image = pyvips.Image.heifload(
            str(source), access="sequential", fail_on="warning"
        ).copy_memory()
    except pyvips.Error as error:
        raise decoding_failed(error) from error
    yield image


@contextmanager
def _decoded_heic(source: Path) -> Iterator[pyvips.Image]:
    if not reads_heic():
        raise HeicNotInstalled("HEIC needs the extra heic: see requirements-worker.txt")
    import pi_heif

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    try:
        file = pi_heif.open_heif(source, convert_hdr_to_8bit=True)
        pixels = file.data
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError, IndexError) as error:
        raise Rejected(RejectionReason.CORRUPT, str(error)) from error
    width, height = file.size
    mode, _, depth = file.mode.partition(";")
    image = pyvips.Image.new_from_memory(
        pixels, width, height, _BANDS[mode], "ushort" if depth else "uchar"
    )
    colour = ("rgb16" if depth else "srgb") if image.bands > 2 else "grey16" if depth else "b-w"
    image = image.copy(interpretation=colour)
    if file.premultiplied_alpha:
        image = image.unpremultiply().cast(image.format)
    if profile := file.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    # `file` owns the pixels, so it must live as long as they are used.
    yield image
    del file
