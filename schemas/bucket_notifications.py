"""What a bucket sends when objects are written, and what it is answered.

A notification's shape is its sender's, and is read by `broker.domain.bucket_notifications`.
"""

from marshmallow import Schema, fields

from schemas.fields import Answer


class Notification(Schema):
    """A notification of S3, SNS, EventBridge, MinIO or SeaweedFS, as it was sent."""

    class Meta:
        unknown = "include"


class Handled(Answer):
    """How many objects led to what."""

    outcomes = fields.Dict(keys=fields.String(), values=fields.Integer())
