"""The values that the client returns, read from the broker's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from broker_client.errors import ClientError


@dataclass(frozen=True, kw_only=True)
class Image:
    """A confirmed image. `image` is its object key below the bucket's location."""

    id: int
    image: str
    image_url: str
    alt_text: str
    order: int
    created_at: datetime

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create an Image from the broker's JSON."""
        return cls(
            id=body["id"],
            image=body["image"],
            image_url=body["image_url"],
            alt_text=body["alt_text"],
            order=body["order"],
            created_at=datetime.fromisoformat(body["created_at"]),
        )


@dataclass(frozen=True, kw_only=True)
class User:
    """A user's profile. `subject` and `email` are None for other users."""

    id: int
    subject: str | None
    email: str | None
    first_name: str
    last_name: str
    name: str
    avatar: str | None
    avatar_url: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a User from the broker's JSON."""
        return cls(**{field.name: body[field.name] for field in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """Where and how to send one file, and how long this is possible.

    `method` is POST (with `fields`), PUT (with `headers`) or MULTIPART. `lifetime` is in seconds
    from when the ticket was issued, by the broker's own clock.
    """

    id: str
    key: str
    method: str
    url: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    lifetime: float

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a Ticket from the broker's JSON."""
        upload = body["upload"]
        left = datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(
            body["server_time"]
        )
        return cls(
            id=body["id"],
            key=body["key"],
            method=upload["method"],
            url=upload.get("url", ""),
            fields=upload.get("fields", {}),
            headers=upload.get("headers", {}),
            lifetime=left.total_seconds(),
        )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The limits of uploads for one purpose. Sizes are in bytes."""

    content_types: tuple[str, ...]
    max_bytes: int
    max_count: int
    multipart_threshold: int

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a Profile from the broker's JSON."""
        return cls(
            content_types=tuple(body["content_types"]),
            max_bytes=body["max_bytes"],
            max_count=body["max_count"],
            multipart_threshold=body["multipart_threshold"],
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of one file: bytes handed to the network, and all its bytes.

    `sent` decreases when a try fails, because its bytes must be sent again. `index` is the file's
    position in `upload_many`.
    """

    index: int
    sent: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result for one file of `upload_many`: an image or an error."""

    index: int
    upload_id: str | None = None
    image: Image | None = None
    error: ClientError | OSError | None = None
