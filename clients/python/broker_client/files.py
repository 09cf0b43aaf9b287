"""The file that a caller wants to upload, and its progress."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, TypedDict

from broker_client.errors import UnknownType
from broker_client.media_types import ANY, content_type_of
from broker_client.models import Progress
from broker_client.source import Source, file_name

# Characters that the API removes from file names: control characters, bidirectional marks, and
# surrogates, which stand for bytes that are not UTF-8.
_REFUSED_IN_NAMES = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
File = str | os.PathLike[str] | BinaryIO
Transport = Literal["post", "put", "multipart"]
OnProgress = Callable[[Progress], None]
WaitFor = Literal["ready", "recorded"]


class UploadOptions(TypedDict, total=False):
    """The options of `upload` that do not change what it returns."""

    ad: int | None
    user: int | None
    owner: str | None
    alt_text: str
    order: int
    content_type: str | None
    transport: Transport | None
    on_progress: OnProgress | None


class ResumeOptions(TypedDict, total=False):
    """The options of `resume` that do not change what it returns."""

    owner: str | None
    on_progress: OnProgress | None


@dataclass(frozen=True, kw_only=True)
class FileToSend:
    """A file with its alt text, its position among the owner's files, and its transport.

    If `content_type` is not given or is `application/octet-stream`, the file name decides. If
    `transport` is not given, the broker decides.
    """

    file: File
    alt_text: str = ""
    order: int = 0
    content_type: str | None = None
    transport: Transport | None = None

    def require_type(self) -> str:
        """Return the content type.

        Raises:
            UnknownType: it was not given, and it cannot be derived from the file name.
        """
        found = content_type_of(file_name(self.file), self.content_type)
        if found is None and self.content_type is not None:
            return ANY  # for profiles that accept any file
        if found is None:
            raise UnknownType(
                f"{file_name(self.file)}: unknown file extension; pass the content type"
            )
        return found

    def declared(self, source: Source, *, with_text: bool) -> dict[str, Any]:
        """Return the ticket request for the file."""
        body: dict[str, Any] = {
            "file_name": _REFUSED_IN_NAMES.sub("", source.name)[-255:] or "image",
            "content_type": self.require_type(),
            "size": source.size,
            "checksum_sha256": source.checksum_sha256,
        }
        if self.transport is not None:
            body["transport"] = self.transport
        if with_text:
            body |= {"alt_text": self.alt_text, "order": self.order}
        return body


class Meter:
    """Adds up one file's bytes over all its requests and calls `on_progress`."""

    def __init__(self, index: int, total: int, on_progress: OnProgress | None) -> None:
        self._index = index
        self._total = total
        self._on_progress = on_progress
        self._sent = 0
        self._lock = threading.Lock()

    def count(self, change: int) -> None:
        """Add bytes, or subtract some. The callback is never called twice at the same time."""
        with self._lock:
            self._sent += change
            if self._on_progress is not None and change:
                self._on_progress(Progress(index=self._index, sent=self._sent, total=self._total))
