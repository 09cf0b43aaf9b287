"""Users, in the JSON format of the marketplace."""

from marshmallow import fields

from broker.domain.subjects import SUBJECT_MAX
from schemas.fields import Answer, StrictSchema, TextField
from schemas.images import Rendition


class User(Answer):
    """A user. Only the user and services see `subject` and `email`; others see null.

    `subject` is the subject of the user's tokens. A decimal below 2^52 equals `id`.
    """

    id = fields.Integer()
    subject = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    first_name = fields.String()
    last_name = fields.String()
    name = fields.String()
    avatar = fields.String(allow_none=True)
    avatar_url = fields.String(allow_none=True)
    avatar_image = fields.Nested(Rendition, allow_none=True)


class UserQuery(StrictSchema):
    """Which user to find."""

    subject = TextField(
        low=1,
        high=SUBJECT_MAX,
        required=True,
        metadata={"description": "The subject of the user's tokens."},
    )


class UserChanges(StrictSchema):
    """Changes to a user. `avatar` is the id of a confirmed upload, or null to remove it."""

    first_name = TextField(high=150, name=True)
    last_name = TextField(high=150, name=True)
    avatar = fields.UUID(allow_none=True)
