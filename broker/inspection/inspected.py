"""The request and the result of an inspection. No decoder is imported here."""

from dataclasses import dataclass, field
from pathlib import Path

from broker.domain.rejections import DETAILS, RejectionReason


class Rejected(Exception):
    """The file must not be published. `detail` is for logs; users read the reason."""

    def __init__(self, reason: RejectionReason, detail: str = "") -> None:
        super().__init__(detail or DETAILS[reason])
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Request:
    """One file to inspect.

    Attributes:
        source: the file that the client sent.
        directory: an empty directory for the results.
        content_type: the declared type, a key of `domain/media_types.py: EXTENSIONS`.
        max_pixels: the largest width x height of a frame, and of the canvas of an animation.
        max_frames: the largest number of frames.
        variant_widths: the widths of the variants in pixels, in ascending order.
    """

    source: Path
    directory: Path
    content_type: str
    max_pixels: int
    max_frames: int
    variant_widths: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """A file that may be published.

    Attributes:
        path: the file, in the request's directory.
        content_type: its type.
        width, height: in pixels, after the orientation is applied.
        size: in bytes.
        checksum_sha256: in base64.
    """

    path: Path
    content_type: str
    width: int
    height: int
    size: int
    checksum_sha256: str


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """The result of an inspection.

    Attributes:
        image: the cleaned image, or the JPEG of a HEIC or AVIF file.
        thumbhash: a placeholder of about 25 bytes, in base64 (https://evanw.github.io/thumbhash/).
        variants: smaller renditions, in ascending width; none is wider than the image.
    """

    image: OutputFile
    thumbhash: str
    variants: tuple[OutputFile, ...] = field(default=())
