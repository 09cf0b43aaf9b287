"""Tickets, and the files that clients declare to get them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from broker.domain.checksums import SHA256_PATTERN
from broker.domain.decoration import ORDER_MAX
from broker.domain.media_types import ALIASES, EXTENSIONS, UNNAMED_TYPES
from broker.domain.return_urls import RETURN_URL_MAX
from broker.domain.transports import TRANSPORTS
from schemas.decoration import AltText, FileName
from schemas.fields import Answer, Choice, Int, Several, StrictSchema, TextField, Time, the

FILES_MAX = 50
TYPE_MAX = 255


def _in_any_case(text: str) -> str:
    """Return a pattern for the text in any letter case. ECMA-262 has no flag inside a pattern."""
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in text)


# Not an `enum`, because client generators would create a class for each.
TYPE_PATTERN = (
    f"^ *({'|'.join(map(_in_any_case, [*EXTENSIONS, *ALIASES, *sorted(UNNAMED_TYPES)]))}) *"
    r"(;[^\u0000-\u001f\u007f-\u009f]*)?$"
)


def key_field() -> fields.String:
    """Return the field of an upload's key."""
    return fields.String(
        metadata={
            "description": "Object key without the location. It is provisional: the image may get"
            " another suffix, and the JPEG made from a HEIC or AVIF file another extension. Store"
            " the `image` of the published image instead."
        }
    )


def image_type_field() -> TextField:
    """Return the field of the content type of a file for a profile that accepts only images."""
    return TextField(
        high=TYPE_MAX,
        load_default="",
        metadata={
            "pattern": TYPE_PATTERN,
            "description": "The ticket and the image get the usual name of the type: `image/jpeg` "
            "for `image/jpg`, `IMAGE/JPEG` and `image/jpeg; charset=binary`. If it is missing, "
            "empty or `application/octet-stream`, the extension of the file name decides.",
        },
    )


def type_field() -> TextField:
    """Return the field of the content type of a file for any profile."""
    return TextField(
        high=TYPE_MAX,
        load_default="",
        metadata={
            "description": "One of the profile's `content_types`, in any letter case and with any "
            "parameters. If it is missing, empty or `application/octet-stream`, the extension of "
            "the file name decides."
        },
    )


class AvatarFile(StrictSchema):
    """A file that a client declares. The service checks type, size and digest."""

    file_name = FileName(required=True)
    content_type = image_type_field()
    size = Int(
        low=1,
        metadata={
            "description": "Bytes. Only a form without `checksum_sha256` may omit it, and only if "
            "`GET /api/profiles/` says that no checksum is required. Then any size up to "
            "`max_bytes` is accepted."
        },
    )
    checksum_sha256 = TextField(
        high=44,
        metadata={"pattern": SHA256_PATTERN, "description": "base64 of the file's SHA-256."},
    )
    transport = Choice(list(TRANSPORTS))
    return_url = TextField(
        low=1,
        high=RETURN_URL_MAX,
        metadata={
            "description": "URL to which S3 redirects the browser (303) after the upload, for "
            "pages without JavaScript. It has no query or fragment, and its origin must be allowed "
            "by the operator. The transport must be `post`."
        },
    )


class ImageFile(AvatarFile):
    """A file for an ad, with the alt_text and order of the image."""

    alt_text = AltText(load_default="")
    order = Int(low=0, high=ORDER_MAX, load_default=0)


class ImageFiles(StrictSchema):
    """A batch of files. Tickets are issued for all or for none."""

    files = Several(fields.Nested(ImageFile), required=True, validate=validate.Length(1, FILES_MAX))


class OwnerFile(ImageFile):
    """A file for an owner of any profile. It may be a document."""

    content_type = type_field()


class OwnerFiles(StrictSchema):
    """A batch of files for one owner. Tickets are issued for all or for none."""

    files = Several(fields.Nested(OwnerFile), required=True, validate=validate.Length(1, FILES_MAX))


class FormTransfer(Answer):
    """A form to POST to `url`: the `fields` first, the file last, with the name `file`."""

    method = fields.String(metadata={"const": "POST"})
    url = fields.String()
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.String(), data_key="fields", attribute="fields"
    )


class PutTransfer(Answer):
    """A PUT of the file to `url` with `headers`."""

    method = fields.String(metadata={"const": "PUT"})
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())


class MultipartTransfer(Answer):
    """Parts of `part_size` bytes. `parts_url` signs them, `complete_url` completes the upload."""

    method = fields.String(metadata={"const": "MULTIPART"})
    part_size = fields.Integer(allow_none=True)
    part_count = fields.Integer(allow_none=True)
    parts_url = fields.String()
    complete_url = fields.String()


TRANSFERS: dict[str, type[Answer]] = {
    "POST": FormTransfer,
    "PUT": PutTransfer,
    "MULTIPART": MultipartTransfer,
}


class Transfer(fields.Field[Mapping[str, Any]]):
    """Where and how to send the file: one of TRANSFERS, by `method`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return the(TRANSFERS[value["method"]]).dump(value)


class Ticket(Answer):
    """A ticket: where and how to send one file, and until when."""

    id = fields.UUID()
    state = fields.String(metadata={"enum": ["pending"]})
    key = key_field()
    expires_at = Time()
    server_time = Time()
    upload = Transfer()
    confirm_url = fields.String()


class TicketBatch(Answer):
    """The tickets of a batch, in the order of its files."""

    tickets = fields.List(fields.Nested(Ticket))
