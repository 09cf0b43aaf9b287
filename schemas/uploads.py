"""Uploads, and the failures that clients report."""

from marshmallow import fields

from broker.domain import s3_failures
from broker.domain.owners import OWNER_KINDS
from broker.domain.rejections import RejectionReason
from broker.domain.states import UploadState
from broker.domain.transports import TRANSPORTS
from schemas.fields import Answer, StrictSchema, TextField, Time
from schemas.images import Image


class Upload(Answer):
    """An upload and its state."""

    id = fields.UUID()
    state = fields.String(metadata={"enum": list(UploadState)})
    purpose = fields.String(metadata={"enum": [kind.purpose for kind in OWNER_KINDS.values()]})
    owner = fields.Integer()
    key = fields.String()
    content_type = fields.String()
    size = fields.Integer(allow_none=True)
    checksum_sha256 = fields.String(
        allow_none=True, metadata={"description": "The digest that the client declared."}
    )
    checksum_verified = fields.Boolean(
        allow_none=True,
        metadata={
            "description": "Whether this digest was compared with the whole object: by the worker"
            " with its bytes, or without inspection with what S3 returned. Without inspection it is"
            " false if the server returns no digest, and for a file that was sent in parts."
        },
    )
    composite_checksum_sha256 = fields.String(
        allow_none=True,
        metadata={
            "description": "S3's COMPOSITE checksum of the parts, if the parts had digests."
            " It was compared with these digests."
        },
    )
    transport = fields.String(metadata={"enum": list(TRANSPORTS)})
    reason = fields.String(
        allow_none=True,
        metadata={
            "description": "Why a worker rejected the file.",
            "enum": [*RejectionReason, None],
        },
    )
    image = fields.Nested(Image, allow_none=True)
    created_at = Time()
    expires_at = Time()
    server_time = Time()
    confirm_url = fields.String()


class Failure(StrictSchema):
    """An error that the client got from S3. Without a response, the code is `NetworkError`."""

    code = TextField(low=1, high=100, required=True)
    message = TextField(high=1000, multiline=True, load_default="")


class Advice(Answer):
    """What to do next: `retry`, `renew`, `confirm` or `give_up`."""

    action = fields.String(metadata={"enum": list(s3_failures.Advice)})
