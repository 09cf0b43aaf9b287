"""What a caller hands over: a file, and what the marketplace will say about it."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from broker_client.errors import UnknownType
from broker_client.media_types import content_type_of
from broker_client.models import Progress
from broker_client.source import Source, file_name

# What the API takes in no name: control characters, marks that turn the writing, and what stands
# for bytes that are no UTF-8.
_NO_NAME = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
File = str | os.PathLike[str] | BinaryIO
Transport = Literal["post", "put", "multipart"]
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class FileToSend:
    """A file with its alt text, its place among the ad's images, and how it is to travel.

    `content_type` follows from the name where it is not given, `transport` from the broker.
    """

    file: File
    alt_text: str = ""
    order: int = 0
    content_type: str | None = None
    transport: Transport | None = None

    def require_type(self) -> str:
        """Give the content type; raises UnknownType."""
        found = self.content_type or content_type_of(file_name(self.file))
        if found is None:
            raise UnknownType(f"{file_name(self.file)}: its name ends as no image's; say its type")
        return found

    def declared(self, source: Source, *, for_ad: bool) -> dict[str, Any]:
        """Give what the ticket's request says of the file."""
        body: dict[str, Any] = {
            "file_name": _NO_NAME.sub("", source.name)[-255:] or "image",
            "content_type": self.require_type(),
            "size": source.size,
            "checksum_sha256": source.checksum_sha256,
        }
        if self.transport is not None:
            body["transport"] = self.transport
        if for_ad:
            body |= {"alt_text": self.alt_text, "order": self.order}
        return body


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whom images are uploaded for; `path` is its place in the API."""

    path: str
    is_ad: bool

    @classmethod
    def of(cls, ad: int | None, user: int | None) -> "Owner":
        """Take exactly one of the two; raises ValueError."""
        if (ad is None) == (user is None):
            raise ValueError("give either ad or user")
        if ad is not None:
            return cls(path=f"/api/ads/{ad}/upload_image", is_ad=True)
        return cls(path=f"/api/users/{user}/upload_avatar", is_ad=False)


class Meter:
    """Sums one file's bytes over all its requests, and tells the caller."""

    def __init__(self, index: int, total: int, tell: OnProgress | None) -> None:
        self._index = index
        self._total = total
        self._tell = tell
        self._sent = 0
        self._lock = threading.Lock()

    def count(self, change: int) -> None:
        """Add bytes, or take some back; one call at a time reaches the caller."""
        with self._lock:
            self._sent += change
            if self._tell is not None and change:
                self._tell(Progress(index=self._index, sent=self._sent, total=self._total))
