"""RFC 9457 problem details."""

from marshmallow import fields

from schemas.fields import StrictSchema


class Problem(StrictSchema):
    """An error; decide by `code`."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    errors = fields.Dict()
