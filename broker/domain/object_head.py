"""What crosses the boundary to the bucket and back, with S3's own names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class ObjectHead:
    """HeadObject's answer with checksum mode on; `etag` without quotes.

    The last three are what a writer may have the object served with; None where it has none.
    """

    content_length: int
    content_type: str
    etag: str
    checksum_sha256: str | None
    metadata: Mapping[str, str]
    last_modified: datetime | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """What ListObjectsV2 and S3 Inventory say of one object; `etag` without quotes."""

    key: str
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True, kw_only=True)
class PresignedPost:
    """Where to send a form, and the fields to send before the file."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class PresignedPut:
    """Where to send a raw body, and the headers to send with it."""

    url: str
    headers: dict[str, str]
