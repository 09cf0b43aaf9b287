"""Requests and responses of Companion's S3 protocol for Uppy, and of Uppy sessions.

They follow @uppy/aws-s3 5.1 and 6.3. Other fields that Uppy sends are ignored.
"""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from schemas.fields import (
    BIGINT_MAX,
    Answer,
    Int,
    Several,
    StrictSchema,
    TextField,
    Time,
    whole,
)
from schemas.images import ORDER_MAX
from schemas.parts import PARTS_MAX
from schemas.tickets import type_field

FILE_NAME_MAX = 1024
KEY_MAX = 1024


class SessionLimits(StrictSchema):
    """The limits of an endpoint. The operator's limits are the maximum and the default."""

    BODY_MAY_BE_EMPTY = True

    ttl = Int(low=60, high=86400, metadata={"description": "Seconds."})
    max_files = Int(low=1, high=10_000)
    max_bytes = Int(low=1, high=BIGINT_MAX)


class Session(Answer):
    """An endpoint for Uppy. Its URL is its authorization, so keep it secret."""

    id = fields.UUID()
    endpoint = fields.String()
    expires_at = Time()
    server_time = Time()
    max_files = fields.Integer()
    max_bytes = fields.Integer()


class MetaOrder(fields.Integer):
    """An integer in Uppy's metadata: a number, or a string of decimal digits."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        found = whole(value)
        if found is not None:
            return found
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            return int(value)
        raise self.make_error("invalid")


def _alt_text(**kwargs: Any) -> TextField:
    return TextField(high=500, load_default="", **kwargs)


def _order(**kwargs: Any) -> MetaOrder:
    return MetaOrder(validate=validate.Range(0, ORDER_MAX), load_default=0, **kwargs)


class File(Schema):
    """The query of `s3/params`."""

    filename = TextField(low=1, high=FILE_NAME_MAX, required=True)
    type = type_field()
    alt_text = _alt_text(data_key="metadata[alt_text]")
    order = _order(data_key="metadata[order]")


class Meta(Schema):
    """The fields of Uppy's metadata that are stored."""

    class Meta:
        unknown = "exclude"

    alt_text = _alt_text()
    order = _order()


class MultipartFile(Schema):
    """The body of `s3/multipart`."""

    filename = TextField(low=1, high=FILE_NAME_MAX, required=True)
    type = type_field()
    metadata = fields.Nested(Meta, load_default=lambda: {"alt_text": "", "order": 0})


class KeyQuery(Schema):
    """The object key of the upload."""

    key = TextField(low=1, high=KEY_MAX, required=True)


class BatchQuery(KeyQuery):
    """Part numbers, separated by commas."""

    partNumbers = fields.String(  # noqa: N815
        required=True,
        validate=[validate.Length(max=60_000), validate.Regexp(r"^[0-9]{1,5}(,[0-9]{1,5})*$")],
    )


class NamedPart(Schema):
    """A part of the upload to complete."""

    class Meta:
        unknown = "exclude"

    PartNumber = Int(low=1, high=PARTS_MAX, required=True)  # noqa: N815
    ETag = TextField(low=1, high=255, required=True)  # noqa: N815


class NamedParts(Schema):
    """The body of `complete`."""

    parts = Several(fields.Nested(NamedPart), required=True, validate=validate.Length(1, PARTS_MAX))


class KeyBody(Schema):
    """The body of `confirm/`."""

    key = TextField(low=1, high=KEY_MAX, required=True)


class FormParameters(Answer):
    """The URL and fields of a form to POST one file."""

    method = fields.String(metadata={"const": "POST"})
    url = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields")
    expires = fields.Integer()


class MultipartCreated(Answer):
    """The key and id of a multipart upload."""

    key = fields.String()
    uploadId = fields.String()  # noqa: N815


class PartUrl(Answer):
    """The URL for a PUT of one part, and the seconds until it expires."""

    url = fields.String()
    expires = fields.Integer()


class PartUrls(Answer):
    """URLs by part number."""

    presignedUrls = fields.Dict(keys=fields.String(), values=fields.String())  # noqa: N815


class ListedPart(Answer):
    """A part that has arrived."""

    PartNumber = fields.Integer()  # noqa: N815
    Size = fields.Integer()  # noqa: N815
    ETag = fields.String()  # noqa: N815


class Completed(Answer):
    """The URL and key of the image."""

    location = fields.String()
    key = fields.String()


class Nothing(Answer):
    """An empty object."""
