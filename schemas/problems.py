"""RFC 9457 problem details."""

from marshmallow import fields

from schemas.fields import Answer


class Problem(Answer):
    """An error. Programs should check `code`."""

    OPTIONAL = frozenset({"errors"})

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    errors = fields.Dict(keys=fields.String(), metadata={"description": "Messages by field."})
