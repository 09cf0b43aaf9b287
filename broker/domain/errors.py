"""What can go wrong, as one tree with a stable `code` each; statuses are in `api/problems.py`.

BrokerError
├── InvalidRequest          a field is out of range; `fields` names it
│   └── AvatarNotConfirmed
├── Forbidden
├── NotFound
├── ImageLimitReached
├── ObjectMissing           the bytes have not arrived; retryable
├── ObjectMismatch          other bytes arrived than were declared
├── UploadSettled           the upload is past the state that the request needs
├── Gone
│   ├── UploadExpired
│   ├── UploadCancelled
│   └── ImageDeleted
├── DatabaseUnavailable     try again later
└── StorageError
    ├── ObjectNotFound      \\ raised by the storage, turned into the above by services
    ├── PreconditionFailed  /
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


class Forbidden(BrokerError):
    """The principal may not write below this owner."""

    code = "forbidden"


class NotFound(BrokerError):
    """No such thing, or none that this principal may know of."""

    code = "not_found"


class ImageLimitReached(BrokerError):
    """The owner has no place left for a further image."""

    code = "image_limit_reached"


class ObjectMissing(BrokerError):
    """The bucket holds nothing at the upload's key yet."""

    code = "object_missing"
    retry_after = RETRY_AFTER_SECONDS


class ObjectMismatch(BrokerError):
    """The object differs from what the ticket declared."""

    code = "object_mismatch"


class UploadSettled(BrokerError):
    """The upload is no longer pending."""

    code = "upload_settled"


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


class StorageError(BrokerError):
    """The bucket did not do what it was asked."""


class ObjectNotFound(StorageError):
    """No object at that key."""

    code = "object_not_found"


class PreconditionFailed(StorageError):
    """The object's ETag is not the one that was asked for (S3: 412)."""

    code = "precondition_failed"


class StorageUnavailable(StorageError):
    """The bucket did not answer, or answered 5xx."""

    code = "storage_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class StorageDenied(StorageError):
    """The bucket refuses the broker itself: credentials, policy or bucket name are wrong."""

    code = "storage_denied"
    retry_after = 30
