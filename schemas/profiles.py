"""The limits of uploads, so that clients can check a file before requesting a ticket."""

from marshmallow import fields

from broker.domain.transports import TRANSPORTS
from schemas.fields import Answer


class Profile(Answer):
    """The limits of one purpose, in bytes and seconds."""

    content_types = fields.List(fields.String())
    max_bytes = fields.Integer()
    max_count = fields.Integer()
    ticket_ttl = fields.Integer()
    checksum_required = fields.Boolean()
    transports = fields.List(fields.String(metadata={"enum": list(TRANSPORTS)}))
    default_transport = fields.String(metadata={"enum": list(TRANSPORTS)})
    multipart_threshold = fields.Integer(
        metadata={
            "description": "Larger files get `multipart` if a request does not name a transport."
        }
    )
    part_size = fields.Integer()


class Profiles(Answer):
    """The limits by purpose."""

    ad_image = fields.Nested(Profile)
    avatar = fields.Nested(Profile)
