"""What can go wrong, as one tree with a stable `code` each; statuses are in `api/problems.py`.

BrokerError
├── InvalidRequest          a field is out of range; `fields` names it
│   ├── AvatarNotConfirmed
│   └── InvalidReport       a file that an operator gave cannot be used; never by the API
├── InvalidBucketNotification  not a bucket notification
├── Forbidden
│   ├── CapabilityInvalid
│   ├── CapabilityExpired
│   ├── CapabilityRevoked
│   └── CapabilityExhausted
├── NotFound
├── ImageLimitReached
├── QuotaExceeded           the user has reserved too much; `fields` says of what
├── ObjectMissing           the bytes have not arrived; retryable
├── ObjectMismatch          other bytes arrived than were declared
├── PartsMissing            not every part has arrived; retryable
├── NotMultipart            the upload's transport has no parts
├── UploadSettled           the upload is past the state that the request needs
├── IdempotencyKeyReused    the key belongs to another request
├── IdempotencyInFlight     the key's first request is still at work; try again
├── Gone
│   ├── UploadExpired
│   ├── UploadCancelled
│   └── ImageDeleted
├── DatabaseUnavailable     try again later
├── QueueUnavailable        try again later
└── StorageError
    ├── ObjectNotFound      \\
    ├── PreconditionFailed   | raised by the storage, turned into the above by services
    ├── MultipartNotFound    |
    ├── InvalidParts        /
    ├── StorageUnavailable  try again later
    └── StorageDenied       the bucket refuses the broker's own credentials
"""

from collections.abc import Mapping
from typing import Any, ClassVar

RETRY_AFTER_SECONDS = 2


class BrokerError(Exception):
    """An outcome that the caller is told about.

    `fields` maps a request's field to its messages; `retry_after` is in seconds.
    """

    code: ClassVar[str] = "internal_error"
    retry_after: int | None = None

    def __init__(self, detail: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields


class InvalidRequest(BrokerError):
    """A field's value cannot be accepted."""

    code = "validation_error"


class AvatarNotConfirmed(InvalidRequest):
    """The upload named as an avatar is not the user's own confirmed avatar."""

    code = "avatar_not_confirmed"


class InvalidReport(InvalidRequest):
    """An inventory report, or a CSV of images, is broken, or not of this bucket."""


class InvalidBucketNotification(BrokerError):
    """The message is not a bucket notification in a known format."""

    code = "invalid_event"


class Forbidden(BrokerError):
    """The principal may not write below this owner."""

    code = "forbidden"


class CapabilityInvalid(Forbidden):
    """No capability of ours: forged, garbled, or of a session that is gone."""

    code = "capability_invalid"


class CapabilityExpired(Forbidden):
    """The session's time has passed."""

    code = "capability_expired"


class CapabilityRevoked(Forbidden):
    """The session was revoked."""

    code = "capability_revoked"


class CapabilityExhausted(Forbidden):
    """The session's files or bytes are used up."""

    code = "capability_exhausted"


class NotFound(BrokerError):
    """No such thing, or none that this principal may know of."""

    code = "not_found"


class ImageLimitReached(BrokerError):
    """The owner has no place left for a further image."""

    code = "image_limit_reached"


class QuotaExceeded(BrokerError):
    """The user has too little left of what may be reserved in a window."""

    code = "quota_exceeded"

    def __init__(self, detail: str, fields: Mapping[str, Any], *, retry_after: int) -> None:
        super().__init__(detail, fields)
        self.retry_after = retry_after


class ObjectMissing(BrokerError):
    """The bucket holds nothing at the upload's key yet."""

    code = "object_missing"
    retry_after = RETRY_AFTER_SECONDS


class ObjectMismatch(BrokerError):
    """The object differs from what the ticket declared."""

    code = "object_mismatch"


class PartsMissing(BrokerError):
    """Parts have not arrived; `fields` names their numbers."""

    code = "parts_missing"
    retry_after = RETRY_AFTER_SECONDS


class NotMultipart(BrokerError):
    """The upload has no parts to sign or list."""

    code = "not_multipart"


class UploadSettled(BrokerError):
    """The upload is no longer pending."""

    code = "upload_settled"


class IdempotencyKeyReused(BrokerError):
    """The key was sent before with another method, path or body."""

    code = "idempotency_key_reused"


class IdempotencyInFlight(BrokerError):
    """A request with the key is at work, or has just been overtaken by its own retry."""

    code = "idempotency_in_flight"
    retry_after = 1


class Gone(BrokerError):
    """What was asked for existed and does not any more."""


class UploadExpired(Gone):
    """The ticket's time, and the grace after it, have passed."""

    code = "upload_expired"


class UploadCancelled(Gone):
    """The ticket was given back."""

    code = "upload_cancelled"


class ImageDeleted(Gone):
    """The image was recorded and has been deleted since."""

    code = "image_deleted"


class DatabaseUnavailable(BrokerError):
    """The database cannot be reached, or stayed locked for longer than its time limit."""

    code = "database_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class QueueUnavailable(BrokerError):
    """The queue of notifications gives no answer, or refuses the broker."""

    code = "queue_unavailable"


class StorageError(BrokerError):
    """The bucket did not do what it was asked."""


class ObjectNotFound(StorageError):
    """No object at that key."""

    code = "object_not_found"


class PreconditionFailed(StorageError):
    """The object's ETag is not the one that was asked for (S3: 412)."""

    code = "precondition_failed"


class MultipartNotFound(StorageError):
    """No such multipart upload: completed, aborted, or expired by the bucket's rule."""

    code = "multipart_not_found"


class InvalidParts(StorageError):
    """The named parts cannot be completed: one is not there, or too small."""

    code = "invalid_parts"


class StorageUnavailable(StorageError):
    """The bucket did not answer, or answered 5xx."""

    code = "storage_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class StorageDenied(StorageError):
    """The bucket refuses the broker itself: credentials, policy or bucket name are wrong."""

    code = "storage_denied"
    retry_after = 30
