"""What Uppy's clients send and are answered: Companion's S3 protocol, and its sessions.

As @uppy/aws-s3 5.1 and 6.3 speak it; what they send beyond this is let pass.
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
from schemas.tickets import TYPE_PATTERN

FILE_NAME_MAX = 1024
KEY_MAX = 1024


class SessionLimits(StrictSchema):
    """What an endpoint is to be good for; less than the operator allows, or all of it."""

    BODY_MAY_BE_EMPTY = True

    ttl = Int(low=60, high=86400, metadata={"description": "Seconds."})
    max_files = Int(low=1, high=10_000)
    max_bytes = Int(low=1, high=BIGINT_MAX)


class Session(Answer):
    """An endpoint for Uppy that carries its own right: treat its URL as a secret."""

    id = fields.UUID()
    endpoint = fields.String()
    expires_at = Time()
    server_time = Time()
    max_files = fields.Integer()
    max_bytes = fields.Integer()


class MetaOrder(fields.Integer):
    """An integer as pages write it into Uppy's meta: a number, or decimal digits."""

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
    type = TextField(low=1, high=255, required=True, metadata={"pattern": TYPE_PATTERN})
    alt_text = _alt_text(data_key="metadata[alt_text]")
    order = _order(data_key="metadata[order]")


class Meta(Schema):
    """What of Uppy's meta is kept."""

    class Meta:
        unknown = "exclude"

    alt_text = _alt_text()
    order = _order()


class MultipartFile(Schema):
    """The body of `s3/multipart`."""

    filename = TextField(low=1, high=FILE_NAME_MAX, required=True)
    type = TextField(low=1, high=255, required=True, metadata={"pattern": TYPE_PATTERN})
    metadata = fields.Nested(Meta, load_default=lambda: {"alt_text": "", "order": 0})


class KeyQuery(Schema):
    """The object key that goes with an upload's id."""

    key = TextField(low=1, high=KEY_MAX, required=True)


class BatchQuery(KeyQuery):
    """Part numbers, separated by commas."""

    partNumbers = fields.String(  # noqa: N815
        required=True,
        validate=[validate.Length(max=60_000), validate.Regexp(r"^[0-9]{1,5}(,[0-9]{1,5})*$")],
    )


class NamedPart(Schema):
    """A part to be put together."""

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
    """Where to POST one file, and the fields to send with it."""

    method = fields.String(metadata={"const": "POST"})
    url = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields")
    expires = fields.Integer()


class MultipartCreated(Answer):
    """The names of a multipart upload."""

    key = fields.String()
    uploadId = fields.String()  # noqa: N815


class PartUrl(Answer):
    """Where to PUT one part, and for how many seconds."""

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
    """Where the image is."""

    location = fields.String()
    key = fields.String()


class Nothing(Answer):
    """An empty object."""
