"""Tickets, and what a client declares to get one."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from broker.domain.media_types import EXTENSIONS
from broker.domain.return_urls import RETURN_URL_MAX
from broker.domain.transports import TRANSPORTS
from schemas.fields import Answer, Choice, Int, Several, StrictSchema, TextField, Time, the
from schemas.images import ORDER_MAX
from schemas.parts import SHA256_PATTERN

FILES_MAX = 50
# As the service judges: no `enum`, whose members generated clients would make classes of.
TYPE_PATTERN = "^image/(" + "|".join(one.removeprefix("image/") for one in EXTENSIONS) + ")$"


class AvatarFile(StrictSchema):
    """One file as its client declares it. Types, sizes and digests are the service's to judge."""

    file_name = TextField(low=1, high=255, name=True, required=True)
    content_type = TextField(low=1, high=64, required=True, metadata={"pattern": TYPE_PATTERN})
    size = Int(
        low=1,
        metadata={
            "description": "Bytes. Only a form without `checksum_sha256` may leave it out, and "
            "only where `GET /api/profiles/` says that no checksum is required: then any size "
            "up to `max_bytes` is taken."
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
            "description": "Where S3 sends the browser (303) once it has the file, for pages "
            "without JavaScript: a URL without query or fragment, of an origin that the operator "
            "allows. Transport is `post` then."
        },
    )


class ImageFile(AvatarFile):
    """A file for an ad, with what the ad will say about it."""

    alt_text = TextField(high=500, load_default="")
    order = Int(low=0, high=ORDER_MAX, load_default=0)


class ImageFiles(StrictSchema):
    """A batch: tickets for all, or for none."""

    files = Several(fields.Nested(ImageFile), required=True, validate=validate.Length(1, FILES_MAX))


class FormTransfer(Answer):
    """A form to `url` by POST: its `fields` first, and the file last, named `file`."""

    method = fields.String(metadata={"const": "POST"})
    url = fields.String()
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.String(), data_key="fields", attribute="fields"
    )


class PutTransfer(Answer):
    """The file's bytes to `url` by PUT, with `headers`."""

    method = fields.String(metadata={"const": "PUT"})
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())


class MultipartTransfer(Answer):
    """Parts of `part_size` bytes, signed by `parts_url`, put together by `complete_url`."""

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
    """Where and how to send the bytes: one of TRANSFERS, as `method` tells."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return the(TRANSFERS[value["method"]]).dump(value)


class Ticket(Answer):
    """Where and how to send one file, until when."""

    id = fields.UUID()
    state = fields.String(metadata={"enum": ["pending"]})
    key = fields.String()
    expires_at = Time()
    server_time = Time()
    upload = Transfer()
    confirm_url = fields.String()


class TicketBatch(Answer):
    """A batch's tickets, in the order of its files."""

    tickets = fields.List(fields.Nested(Ticket))
