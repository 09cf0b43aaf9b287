"""Requests and responses of Companion's S3 protocol for Uppy, and of Uppy sessions.

They follow @uppy/aws-s3 5.1 and 6.3. Other fields that Uppy sends are ignored.
"""

from marshmallow import Schema, fields, validate

from schemas.decoration import FileName, MetaAltText, MetaFields, MetaOrder
from schemas.fields import BIGINT_MAX, Answer, Int, Several, StrictSchema, TextField, Time
from schemas.parts import PARTS_MAX
from schemas.tickets import type_field

KEY_MAX = 1024


class SessionLimits(StrictSchema):
    """The limits of an endpoint. The operator's limits are the maximum and the default."""

    BODY_MAY_BE_EMPTY = True

    ttl = Int(low=60, high=86400, metadata={"description": "Seconds."})
    max_files = Int(low=1, high=10_000)
    max_bytes = Int(low=1, high=BIGINT_MAX)


class Session(Answer):
    """An endpoint for Uppy. The URL itself grants access, so keep it secret."""

    id = fields.UUID()
    endpoint = fields.String()
    expires_at = Time()
    server_time = Time()
    max_files = fields.Integer()
    max_bytes = fields.Integer()


# A value in a query is always a string.
_IN_QUERY = {"type": "string"}


class File(Schema):
    """The query of `s3/params`."""

    filename = FileName(required=True)
    type = type_field()
    alt_text = MetaAltText(data_key="metadata[alt_text]", metadata=_IN_QUERY)
    order = MetaOrder(data_key="metadata[order]", metadata=_IN_QUERY)


class Meta(Schema):
    """The fields of Uppy's metadata that are stored, if their values can be used."""

    class Meta:
        unknown = "exclude"

    alt_text = MetaAltText()
    order = MetaOrder()


class MultipartFile(Schema):
    """The body of `s3/multipart`."""

    filename = FileName(required=True)
    type = type_field()
    metadata = MetaFields(Meta, allow_none=True)


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
    """The URL and key of the image. A file of a private profile has no lasting URL."""

    location = fields.String(allow_none=True)
    key = fields.String()


class Nothing(Answer):
    """An empty object."""
