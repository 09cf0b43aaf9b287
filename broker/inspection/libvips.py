"""Set libvips up, and turn what it complains about into rejections."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyvips

from broker.domain.rejections import RejectionReason
from broker.inspection.inspected import Rejected


def set_up() -> None:
    """Set libvips up for one image: no loaders of risky formats, one thread, no cache."""
    pyvips.block_untrusted_set(True)
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)


@contextmanager
def corrupt_if_it_warns() -> Iterator[None]:
    """Raise Rejected if libvips fails or warns.

    libvips looks for the decoder's warnings before each 8 rows, so `fail_on` misses those of the
    last 8 rows: seen with a truncated JPEG. They stay in its error buffer, which an Error empties.
    """
    _warnings()
    try:
        yield
    except pyvips.Error as error:
        raise decoding_failed(error) from error
    if warnings := _warnings():
        raise Rejected(RejectionReason.CORRUPT, warnings)


def decoding_failed(error: pyvips.Error) -> BaseException:
    """Return what to raise if libvips cannot decode. A lack of memory is not the file's fault.

    libheif calls it a memory error too if an image is larger than its header states.
    """
    detail = str(error.detail).strip()
    if "memory" in detail.lower() and "Security limit exceeded" not in detail:
        return MemoryError(detail)
    return Rejected(RejectionReason.CORRUPT, detail)


def _warnings() -> str:
    """Return what is in libvips' error buffer, and empty it."""
    return str(pyvips.Error("").detail).strip()
