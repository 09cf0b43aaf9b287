"""Profiles, in the marketplace's shape."""

from marshmallow import fields

from schemas.fields import Answer, StrictSchema, TextField


class User(Answer):
    """A profile; `email` is null for anyone but its owner and services."""

    id = fields.Integer()
    email = fields.String(allow_none=True)
    first_name = fields.String()
    last_name = fields.String()
    name = fields.String()
    avatar = fields.String(allow_none=True)
    avatar_url = fields.String(allow_none=True)


class UserChanges(StrictSchema):
    """What a user may change; `avatar` is a confirmed upload's id, or null to remove it."""

    first_name = TextField(high=150, name=True)
    last_name = TextField(high=150, name=True)
    avatar = fields.UUID(allow_none=True)
