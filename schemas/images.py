"""The images of an ad, and changes to them."""

from marshmallow import fields

from broker.domain.decoration import ORDER_MAX
from schemas.decoration import AltText
from schemas.fields import Answer, Int, StrictSchema, Time


class Image(Answer):
    """A confirmed image."""

    id = fields.Integer()
    image = fields.String(metadata={"description": "Object key without the location."})
    image_url = fields.String()
    alt_text = fields.String()
    order = fields.Integer()
    created_at = Time()


class ImageChanges(StrictSchema):
    """The fields of an image that the ad's owner can change."""

    alt_text = AltText()
    order = Int(low=0, high=ORDER_MAX)
