"""A worker's test of itself before it takes uploads: one photo, one bomb.

It finds a missing library, a decoder that does not fit the processor, and a system that does not
let the child process do its work, before five attempts at each upload have failed.
"""

import base64
import struct
from dataclasses import dataclass
from pathlib import Path

from broker.inspection.directories import job_directory
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.inspection.sandbox import ChildFailed, describe_child, inspect_in_child

# A black JPEG, 16 x 8 pixels. Its frame header begins with its height and width.
_JPEG = base64.b64decode(
    "/9j/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxl"
    "Z2P/wAALCAAIABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/"
    "AJ+P/9k="
)
_SIZE = struct.pack(">HH", 8, 16)
_BOMB_SIZE = struct.pack(">HH", 65_500, 65_500)
_WIDTHS = (8,)
# An IFD with GPSLatitudeRef N and GPSLatitude 48 deg 12' 30", of Exif 2.32, section 4.6.6.
_LATITUDE = struct.pack(">6I", 48, 1, 12, 1, 30, 1)
_MAX_MESSAGE = 255  # db/models/background.py: Worker.self_test


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """What a worker found out about itself.

    Attributes:
        failure: what does not work; None if all does.
        is_isolated: whether the child processes have no network.
        content_types: the types of images that can be inspected.
    """

    failure: str | None
    is_isolated: bool
    content_types: tuple[str, ...]


def self_test(root: Path) -> SelfTest:
    """Inspect a photo with a location in it, and a bomb, in child processes.

    Args:
        root: for temporary directories.
    """
    try:
        description = describe_child()
    except ChildFailed as failed:
        return SelfTest(
            failure=_message(f"no child process runs: {failed}"),
            is_isolated=False,
            content_types=(),
        )
    failure = _photo_failure(root) or _bomb_failure(root)
    return SelfTest(
        failure=failure and _message(failure),
        is_isolated=description.confinement.network,
        content_types=description.content_types,
    )


def _photo_failure(root: Path) -> str | None:
    with job_directory(root) as directory:
        try:
            inspected = _inspect(photo_with_location(), directory)
        except (Rejected, ChildFailed) as error:
            return f"a photo could not be inspected: {error}"
        if _LATITUDE in inspected.image.path.read_bytes():
            return "a photo kept its location"
        if [variant.width for variant in inspected.variants] != list(_WIDTHS):
            return "a photo has no variant"
    return None


def _bomb_failure(root: Path) -> str | None:
    with job_directory(root) as directory:
        try:
            _inspect(_JPEG.replace(_SIZE, _BOMB_SIZE), directory)
        except Rejected:
            return None
        except ChildFailed as failed:
            return f"a bomb was not rejected: {failed}"
    return "a bomb was not rejected"


def photo_with_location() -> bytes:
    """Return a JPEG whose EXIF data says where it was taken."""
    pointer = struct.pack(">HHHIII", 1, 0x8825, 4, 1, 26, 0)
    location = struct.pack(">HHHI4s", 2, 1, 2, 2, b"N\0\0\0")
    location += struct.pack(">HHIII", 2, 5, 3, 26 + 2 + 24 + 4, 0) + _LATITUDE
    exif = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + pointer + location
    return _JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + _JPEG[2:]


def _inspect(content: bytes, directory: Path) -> Inspected:
    source, results = directory / "source", directory / "results"
    source.write_bytes(content)
    results.mkdir()
    request = Request(
        source=source,
        directory=results,
        content_type="image/jpeg",
        max_pixels=1_000_000,
        max_frames=1,
        variant_widths=_WIDTHS,
    )
    return inspect_in_child(request, keep=lambda: None)


def _message(text: str) -> str:
    return text[:_MAX_MESSAGE]
