"""Uploads, and the failures that clients report."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields

from broker.domain import s3_failures
from broker.domain.rejections import RejectionReason
from broker.domain.states import UploadState
from broker.domain.transports import TRANSPORTS
from schemas.fields import PAGE_MAX, Answer, Cursor, QueryInt, StrictSchema, TextField, Time
from schemas.images import Image
from schemas.tickets import key_field

IDS_MAX = 50
_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UPLOAD_ID = re.compile(_ID)


class Upload(Answer):
    """An upload and its state."""

    id = fields.UUID()
    state = fields.String(metadata={"enum": list(UploadState)})
    purpose = fields.String(metadata={"description": "The name of the profile."})
    owner = fields.Raw(
        metadata={
            "oneOf": [{"type": "integer"}, {"type": "string"}],
            "description": "An integer for ads and users, text for other owners.",
        }
    )
    key = key_field()
    file_name = fields.String(
        allow_none=True, metadata={"description": "As the client named the file."}
    )
    content_type = fields.String()
    size = fields.Integer(allow_none=True)
    checksum_sha256 = fields.String(
        allow_none=True, metadata={"description": "The digest that the client declared."}
    )
    checksum_verified = fields.Boolean(
        allow_none=True,
        metadata={
            "description": "Whether this digest was compared with the whole object: by the worker"
            " with its bytes, or without inspection with what S3 returned. Without inspection it is"
            " false if the server returns no digest, and for a file that was sent in parts."
        },
    )
    composite_checksum_sha256 = fields.String(
        allow_none=True,
        metadata={
            "description": "S3's COMPOSITE checksum of the parts, if the parts had digests."
            " It was compared with these digests."
        },
    )
    transport = fields.String(metadata={"enum": list(TRANSPORTS)})
    reason = fields.String(
        allow_none=True,
        metadata={
            "description": "Why a worker rejected the file.",
            "enum": [*RejectionReason, None],
        },
    )
    image = fields.Nested(Image, allow_none=True)
    created_at = Time()
    expires_at = Time()
    server_time = Time()
    confirm_url = fields.String()


class UploadList(Answer):
    """Uploads in the order of the ids that were asked for."""

    uploads = fields.List(fields.Nested(Upload))


class UploadPage(Answer):
    """A page of uploads, newest first. `next_cursor` is null on the last page."""

    results = fields.List(fields.Nested(Upload))
    next_cursor = fields.String(allow_none=True)


class UploadIds(fields.String):
    """Ids of uploads in a query, separated by commas. Loads each id once."""

    def __init__(self, **kwargs: Any) -> None:
        pattern = f"^{_ID}(,{_ID}){{0,{IDS_MAX - 1}}}$"
        super().__init__(metadata={"pattern": pattern}, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        ids = value.split(",") if isinstance(value, str) else []
        if not 1 <= len(ids) <= IDS_MAX or not all(_UPLOAD_ID.fullmatch(one) for one in ids):
            raise ValidationError(f"Must be 1 to {IDS_MAX} UUIDs, separated by commas.")
        return list(dict.fromkeys(UUID(one) for one in ids))


class UploadQuery(StrictSchema):
    """The uploads to read."""

    ids = UploadIds(required=True)


class UploadPageQuery(StrictSchema):
    """A page of a list of uploads."""

    limit = QueryInt(low=1, high=PAGE_MAX, load_default=20)
    cursor = Cursor()


class Failure(StrictSchema):
    """An error that the client got from S3. Without a response, the code is `NetworkError`."""

    code = TextField(low=1, high=100, required=True)
    message = TextField(high=1000, multiline=True, load_default="")


class Advice(Answer):
    """What to do next: `retry`, `renew`, `confirm` or `give_up`."""

    action = fields.String(metadata={"enum": list(s3_failures.Advice)})
