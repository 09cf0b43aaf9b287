"""The images of an ad, and changes to them."""

from marshmallow import fields

from broker.domain.decoration import ORDER_MAX
from schemas.decoration import AltText
from schemas.fields import Answer, Int, StrictSchema, Time


class Variant(Answer):
    """A smaller version of an image."""

    width = fields.Integer()
    height = fields.Integer()
    content_type = fields.String()
    url = fields.String(
        allow_none=True,
        metadata={"description": "Null for a private profile, except in the list of files."},
    )


class Rendition(Answer):
    """How an image is displayed. Without inspection all values are null, and `variants` is empty.

    `variants` are in ascending width, ready for `srcset`.
    """

    width = fields.Integer(allow_none=True, metadata={"description": "In pixels, upright."})
    height = fields.Integer(allow_none=True)
    thumbhash = fields.String(
        allow_none=True,
        metadata={"description": "A placeholder in base64, see https://evanw.github.io/thumbhash/"},
    )
    variants = fields.List(fields.Nested(Variant))


class Image(Rendition):
    """A published image."""

    id = fields.Integer()
    image = fields.String(metadata={"description": "Object key without the location."})
    image_url = fields.String(
        allow_none=True,
        metadata={
            "description": "Null for a private profile: `GET /api/owners/{profile}/{owner}/files/` "
            "returns a URL that works for some minutes."
        },
    )
    alt_text = fields.String()
    order = fields.Integer()
    created_at = Time()


class ImageChanges(StrictSchema):
    """The fields of an image that the ad's owner can change."""

    alt_text = AltText()
    order = Int(low=0, high=ORDER_MAX)
