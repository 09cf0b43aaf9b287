"""Parts of multipart uploads."""

from marshmallow import fields, validate

from schemas.fields import Answer, Int, Several, StrictSchema, TextField, Time

PARTS_MAX = 10_000
# The one base64 form of 32 bytes: the last digit has two bits to spare, which are zero.
SHA256_PATTERN = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"


class WantedPart(StrictSchema):
    """A part to sign."""

    part_number = Int(low=1, high=PARTS_MAX, required=True)
    checksum_sha256 = TextField(
        high=44,
        metadata={
            "pattern": SHA256_PATTERN,
            "description": "base64 of the part's SHA-256; for all parts or none.",
        },
    )


class WantedParts(StrictSchema):
    """Any subset of the plan, each number once."""

    parts = Several(
        fields.Nested(WantedPart), required=True, validate=validate.Length(1, PARTS_MAX)
    )


class SignedPart(Answer):
    """Where to PUT one part: exactly `size` bytes, with `headers`."""

    part_number = fields.Integer()
    method = fields.String(metadata={"const": "PUT"})
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    size = fields.Integer(allow_none=True)


class SignedParts(Answer):
    """URLs of parts, in the order they were asked for."""

    parts = fields.List(fields.Nested(SignedPart))
    expires_at = Time()
    server_time = Time()


class ArrivedPart(Answer):
    """A part that the bucket holds."""

    part_number = fields.Integer()
    size = fields.Integer()
    etag = fields.String()


class Progress(Answer):
    """What has arrived, and all that a client needs to go on from there."""

    id = fields.UUID()
    size = fields.Integer(allow_none=True)
    part_size = fields.Integer(allow_none=True)
    part_count = fields.Integer(allow_none=True)
    parts = fields.List(fields.Nested(ArrivedPart))
    missing = fields.List(fields.Integer(), metadata={"description": "Numbers still to be sent."})
    complete_url = fields.String()
    expires_at = Time()
    server_time = Time()
