"""What may be uploaded where, so that clients check before they ask."""

from marshmallow import fields

from schemas.fields import StrictSchema


class Profile(StrictSchema):
    """One purpose's limits: bytes, count, seconds."""

    content_types = fields.List(fields.String())
    max_bytes = fields.Integer()
    max_count = fields.Integer()
    ticket_ttl = fields.Integer()
    checksum_required = fields.Boolean()
    transports = fields.List(fields.String())
    default_transport = fields.String()
    multipart_threshold = fields.Integer(
        metadata={"description": "Larger files get multipart where a request does not say."}
    )
    part_size = fields.Integer()


class Profiles(StrictSchema):
    """The limits by purpose."""

    ad_image = fields.Nested(Profile)
    avatar = fields.Nested(Profile)
