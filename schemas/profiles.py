"""The limits of uploads, so that clients can check a file before requesting a ticket."""

from marshmallow import fields

from broker.domain.owners import OWNER_KINDS
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
    inspection = fields.String(
        metadata={
            "enum": ["required", "off"],
            "description": "With `required`, a worker inspects each file before its image is"
            " published, and a confirm answers 202.",
        }
    )
    max_pixels = fields.Integer(
        metadata={"description": "The largest width x height that the worker accepts."}
    )
    max_frames = fields.Integer(
        metadata={"description": "The largest number of frames of an animation."}
    )
    variant_widths = fields.List(
        fields.Integer(),
        metadata={"description": "The widths of the variants in pixels. Images are not enlarged."},
    )


Profiles = Answer.from_dict(
    {kind.purpose: fields.Nested(Profile) for kind in OWNER_KINDS.values()}, name="Profiles"
)
Profiles.__doc__ = "The limits by purpose."
