"""Erasures of owners and users."""

from marshmallow import fields, validate

from schemas.fields import Answer, Time

STATES = ("deleting", "done")


class Erasure(Answer):
    """An erasure. Its rows are gone at once, its objects when `state` is `done`."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    objects = fields.Integer(
        metadata={"description": "How many deletions it needs, for objects and unfinished parts."}
    )
    objects_left = fields.Integer(
        metadata={
            "description": "How many of them are left. An object is deleted again after the last "
            "signature that can write it, so this takes an hour or more."
        }
    )
    requested_at = Time()
    finished_at = Time(allow_none=True)
