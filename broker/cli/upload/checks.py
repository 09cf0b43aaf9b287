"""Check files before anything is sent."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from broker_client import Profile, content_type_of
from broker_client.media_types import ANY


def faults(files: Iterable[Path], profile: Profile) -> list[tuple[Path, str]]:
    """Return each file that cannot be uploaded, with the reason."""
    return [(file, fault) for file in files for fault in _faults(file, profile)]


def _faults(file: Path, profile: Profile) -> Iterator[str]:
    try:
        size = file.stat().st_size
    except OSError as error:
        yield (error.strerror or "cannot be read").lower()
        return
    if not file.is_file():
        yield "not a file"
    elif not os.access(file, os.R_OK):
        yield "no permission to read it"
    elif not {content_type_of(file.name), ANY} & set(profile.content_types):
        yield f"unsupported file extension; supported types: {', '.join(profile.content_types)}"
    elif size == 0:
        yield "the file is empty"
    elif size > profile.max_bytes:
        yield f"{size} bytes, more than the maximum of {profile.max_bytes}"
