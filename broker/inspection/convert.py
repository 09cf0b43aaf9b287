"""Convert HEIC and AVIF, which many browsers cannot display, to JPEG."""

from importlib.util import find_spec
from pathlib import Path

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection.decode import corrupt_if_it_warns
from broker.inspection.inspected import Rejected

QUALITY = 85
_WHITE = 255
_BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}


class HeicNotInstalled(Exception):
    """The extra `heic` is not installed. The file may be a good one."""


def reads_heic() -> bool:
    """Check whether the decoder of HEIC files is installed, without loading it."""
    return find_spec("pi_heif") is not None


def to_jpeg(source: Path, content_type: str, target: Path) -> pyvips.Image:
    """Write an image as JPEG and return it as decoded, in memory.

    The ICC profile, mostly Display P3, is kept: every current browser applies it. All other
    metadata is left out. The decoder has already turned the image upright. Transparent parts
    become white. Raise Rejected if the data is damaged.
    """
    image = _decode_avif(source) if content_type == "image/avif" else _decode_heic(source)
    if image.hasalpha():
        image = image.flatten(background=_WHITE)
    image = image.copy_memory()
    image.jpegsave(str(target), Q=QUALITY, keep="icc")
    return image


def _decode_avif(source: Path) -> pyvips.Image:
    with corrupt_if_it_warns():
        image = pyvips.Image.heifload(str(source), fail_on="warning").copy_memory()
    # 10 and 12 bits a channel become 8.
    return image if image.format == "uchar" else image.colourspace("srgb")


def _decode_heic(source: Path) -> pyvips.Image:
    if not reads_heic():
        raise HeicNotInstalled("HEIC needs a decoder: pip install 'upload-broker[heic]'")
    import pi_heif

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    try:
        decoded = pi_heif.open_heif(source, convert_hdr_to_8bit=True)
        pixels = decoded.data
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError, IndexError) as error:
        raise Rejected(RejectionReason.CORRUPT, str(error)) from error
    width, height = decoded.size
    image = pyvips.Image.new_from_memory(pixels, width, height, _BANDS[decoded.mode], "uchar")
    image = image.copy(interpretation="srgb" if image.bands > 2 else "b-w")
    if decoded.premultiplied_alpha:
        image = image.unpremultiply().cast("uchar")
    if profile := decoded.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image
