"""Values that are sent to the bucket and returned by it, under S3's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# In the metadata of a variant's object: its width in pixels.
VARIANT_WIDTH = "variant-width"


@dataclass(frozen=True, kw_only=True)
class ObjectHead:
    """The response of HeadObject with checksum mode on; `etag` without quotes.

    The last three are headers that the bucket sends with the object, or None.
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
    """One object in ListObjectsV2 or S3 Inventory; `etag` without quotes."""

    key: str
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True, kw_only=True)
class PresignedPost:
    """Where to send a form, and the fields to send before the file."""

    url: str
    fields: dict[str, str]


@dataclass(kw_only=True, slots=True)
class PresignedPut:
    """Where to send a raw body, and the headers to send with it.

    Treat it as immutable. It is not frozen because a frozen one takes twice as long to create.
    """

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class SignedUrl:
    """A presigned URL for reading one object, and when it stops working (aware UTC)."""

    url: str
    expires_at: datetime
