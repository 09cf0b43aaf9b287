"""The limits of uploads, so that clients can check a file before requesting a ticket."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, post_dump

from broker.domain.profiles import Owners, Visibility
from broker.domain.transports import TRANSPORTS
from schemas.fields import Answer, the


class Profile(Answer):
    """What may be uploaded for one kind of owner, in bytes and seconds."""

    prefix = fields.String(
        metadata={"description": "The start of its keys; the owner and a slash follow."}
    )
    owners = fields.String(
        metadata={
            "enum": list(Owners),
            "description": "With `token`, the grants of a token say for which owners it is.",
        }
    )
    users_create_owners = fields.Boolean(
        metadata={
            "description": "Whether users may create its owners. They may create ads, unless"
            " `BROKER_ADS_CREATED_BY` is `service`."
        }
    )
    visibility = fields.String(metadata={"enum": list(Visibility)})
    content_types = fields.List(fields.String())
    max_bytes = fields.Integer()
    max_count = fields.Integer(metadata={"description": "0 means any number."})
    keeps_one = fields.Boolean(
        metadata={"description": "A newly confirmed file replaces the one before."}
    )
    ticket_ttl = fields.Integer()
    put_ttl = fields.Integer()
    multipart_ttl = fields.Integer()
    cache_control = fields.String()
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


class Profiles(Answer):
    """Profiles by name."""

    @post_dump(pass_original=True)
    def _each(self, _: dict[str, Any], original: Mapping[str, Any], **__: Any) -> dict[str, Any]:
        return {name: the(Profile).dump(found) for name, found in original.items()}
