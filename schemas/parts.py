"""Parts of multipart uploads."""

from marshmallow import fields, validate

from broker.domain.checksums import SHA256_PATTERN
from schemas.fields import Answer, Int, Several, StrictSchema, TextField, Time

PARTS_MAX = 10_000


class WantedPart(StrictSchema):
    """A part to sign."""

    part_number = Int(low=1, high=PARTS_MAX, required=True)
    checksum_sha256 = TextField(
        high=44,
        metadata={
            "pattern": SHA256_PATTERN,
            "description": "base64 of the part's SHA-256. Send it for all parts or for none.",
        },
    )


class WantedParts(StrictSchema):
    """Parts to sign. Each part number may occur once."""

    parts = Several(
        fields.Nested(WantedPart), required=True, validate=validate.Length(1, PARTS_MAX)
    )


class SignedPart(Answer):
    """The URL for a PUT of one part, with `headers` and exactly `size` bytes."""

    part_number = fields.Integer()
    method = fields.String(metadata={"const": "PUT"})
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    size = fields.Integer(allow_none=True)


class SignedParts(Answer):
    """Signed parts, in the order of the request."""

    parts = fields.List(fields.Nested(SignedPart))
    expires_at = Time()
    server_time = Time()


class ArrivedPart(Answer):
    """A part in the bucket."""

    part_number = fields.Integer()
    size = fields.Integer()
    etag = fields.String()


class Progress(Answer):
    """The progress of a multipart upload, with what a client needs to continue it."""

    id = fields.UUID()
    size = fields.Integer(allow_none=True)
    part_size = fields.Integer(allow_none=True)
    part_count = fields.Integer(allow_none=True)
    parts = fields.List(fields.Nested(ArrivedPart))
    missing = fields.List(
        fields.Integer(), metadata={"description": "Numbers of the parts that are missing."}
    )
    complete_url = fields.String()
    expires_at = Time()
    server_time = Time()
