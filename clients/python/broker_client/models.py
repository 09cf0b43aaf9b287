"""The values that the client returns, read from the broker's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self

from broker_client.errors import ClientError

Phase = Literal["sending", "processing"]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A smaller rendition of an image. `url` is None if the image's profile is private."""

    width: int
    height: int
    content_type: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The size of an image in pixels, its placeholder and its variants, the narrowest first.

    Without inspection, width, height and thumbhash are None and there are no variants.
    """

    width: int | None = None
    height: int | None = None
    thumbhash: str | None = None
    variants: tuple[Variant, ...] = ()

    @staticmethod
    def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
        """Read the fields from the broker's JSON. A release before 0.4 does not have them."""
        variants = tuple(
            Variant(**{field.name: one[field.name] for field in fields(Variant)})
            for one in body.get("variants", ())
        )
        names = ("width", "height", "thumbhash")
        return {**{name: body.get(name) for name in names}, "variants": variants}


@dataclass(frozen=True, kw_only=True)
class Image(Picture):
    """A published image or document. `image` is its object key without the location.

    `image_url` is None if the profile is private. `Broker.files` returns a URL for some minutes.
    """

    id: int
    image: str
    image_url: str | None
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
            **cls.fields_of(body),
        )


@dataclass(frozen=True, kw_only=True)
class StoredFile(Picture):
    """A published file of an owner.

    `url` is None only in the answer to a change, for callers who may not read a private file.
    `url_expires_at` is None for a public file, whose URL does not expire. `file_name` is the name
    that the file was uploaded with; it is None for callers who may not know it.
    """

    id: int
    key: str
    url: str | None
    url_expires_at: datetime | None
    file_name: str | None
    content_type: str
    size: int
    checksum_sha256: str | None
    alt_text: str
    order: int
    created_at: datetime

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a StoredFile from the broker's JSON."""
        expires = body["url_expires_at"]
        times: dict[str, Any] = {
            "url_expires_at": None if expires is None else datetime.fromisoformat(expires),
            "created_at": datetime.fromisoformat(body["created_at"]),
        }
        names = {field.name for field in fields(cls)} - {field.name for field in fields(Picture)}
        plain = {name: body[name] for name in names - set(times)}
        return cls(**plain, **times, **cls.fields_of(body))


@dataclass(frozen=True, kw_only=True)
class FilePage:
    """One page of an owner's files. `next_cursor` is the cursor of the next page, or None."""

    results: tuple[StoredFile, ...]
    next_cursor: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a FilePage from the broker's JSON."""
        results = tuple(StoredFile.read(one) for one in body["results"])
        return cls(results=results, next_cursor=body["next_cursor"])


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload. `reason` says why it was rejected; `image` is set once it is confirmed.

    `retry_after` is the number of seconds after which the broker wants to be asked again.
    """

    id: str
    state: str
    reason: str | None = None
    image: Image | None = None
    retry_after: float | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any], retry_after: float | None = None) -> Self:
        """Create an Upload from the broker's JSON. A release before 0.4 sends no image."""
        image = body.get("image")
        return cls(
            id=body["id"],
            state=body["state"],
            reason=body.get("reason"),
            image=None if image is None else Image.read(image),
            retry_after=retry_after,
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
    avatar_image: Picture | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a User from the broker's JSON."""
        picture = body.get("avatar_image")
        names = {field.name for field in fields(cls)} - {"avatar_image"}
        return cls(
            **{name: body[name] for name in names},
            avatar_image=None if picture is None else Picture(**Picture.fields_of(picture)),
        )


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
    """What may be uploaded for one kind of owner. Sizes are in bytes.

    `max_count` 0 means any number of files. If `keeps_one` is set, a new file replaces the one
    before. The files of a private profile have no public URL.
    """

    content_types: tuple[str, ...]
    max_bytes: int
    max_count: int
    multipart_threshold: int
    keeps_one: bool = False
    is_private: bool = False
    is_inspected: bool = False

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Create a Profile from the broker's JSON. A release before 0.5 sends fewer fields."""
        return cls(
            content_types=tuple(body["content_types"]),
            max_bytes=body["max_bytes"],
            max_count=body["max_count"],
            multipart_threshold=body["multipart_threshold"],
            keeps_one=body.get("keeps_one", False),
            is_private=body.get("visibility") == "private",
            is_inspected=body.get("inspection") == "required",
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of one file: bytes handed to the network, and all its bytes.

    `sent` decreases when a try fails, because its bytes must be sent again. `index` is the file's
    position in `upload_many`. In phase `processing` the file has arrived, and the broker inspects
    it.
    """

    index: int
    sent: int
    total: int
    phase: Phase = "sending"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result for one file of `upload_many`: an image or an error.

    With `wait_for="recorded"` it may also be `upload`, which the broker is processing.
    """

    index: int
    upload_id: str | None = None
    image: Image | None = None
    upload: Upload | None = None
    error: ClientError | OSError | None = None
