"""Bucket notifications and their answer.

A notification has the format of its sender. `broker.domain.bucket_notifications` parses it.
"""

from marshmallow import Schema, fields

from schemas.fields import Answer


class Notification(Schema):
    """A notification from S3, SNS, EventBridge, MinIO or SeaweedFS."""

    class Meta:
        unknown = "include"


class Handled(Answer):
    """The number of objects by outcome."""

    outcomes = fields.Dict(keys=fields.String(), values=fields.Integer())
