"""Images, as an ad shows them and as its owner edits them."""

from marshmallow import fields

from schemas.fields import Answer, Int, StrictSchema, TextField, Time

ORDER_MAX = 32767


class Image(Answer):
    """One confirmed image."""

    id = fields.Integer()
    image = fields.String(metadata={"description": "Key below the location."})
    image_url = fields.String()
    alt_text = fields.String()
    order = fields.Integer()
    created_at = Time()


class ImageChanges(StrictSchema):
    """What an ad's owner may change."""

    alt_text = TextField(high=500)
    order = Int(low=0, high=ORDER_MAX)
