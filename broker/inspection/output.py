"""Describe the files that an inspection writes."""

import base64
import hashlib
from pathlib import Path

from broker.inspection.inspected import OutputFile


def describe(path: Path, content_type: str, width: int, height: int) -> OutputFile:
    """Return a file with its size and its digest. Width and height are after the orientation."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return OutputFile(
        path=path,
        content_type=content_type,
        width=width,
        height=height,
        size=path.stat().st_size,
        checksum_sha256=base64.b64encode(digest).decode(),
    )
