r"""The broker's errors as one tree. Each has a stable `code`; `api/problems` maps it to a status.

BrokerError
├── InvalidRequest          a field is not valid; `fields` names it
│   ├── AvatarNotConfirmed
│   └── InvalidReport       an operator's file cannot be used; the API never raises it
├── InvalidBucketNotification            not a bucket notification
├── CallerErased            the caller was erased after the token was issued
├── Forbidden
│   ├── CapabilityInvalid
│   ├── CapabilityExpired
│   ├── CapabilityRevoked
│   └── CapabilityExhausted
├── NotFound
├── AdOwnedByAnother        the ad with this id belongs to another user
├── UserErased              the user of the request was erased after the token was issued
├── ImageLimitReached
├── QuotaExceeded           too little of the user's quota is left; `fields` names what
├── ObjectMissing           the bytes have not arrived; retryable
├── ObjectMismatch          the object differs from the declared one
├── UploadRejected          the worker rejected the file; `rejection` says why
├── PartsMissing            not every part has arrived; retryable
├── NotMultipart            the upload's transport has no parts
├── UploadSettled           the upload is no longer pending
├── IdempotencyKeyReused    the key belongs to another request
├── IdempotencyInFlight     the key's first request is still running; try again
├── Gone
│   ├── UploadExpired
│   ├── UploadCancelled
│   ├── ImageDeleted
│   └── CursorExpired       events after this position of the feed were deleted
├── DatabaseUnavailable     try again later
│   └── DatabaseNotMigrated this release needs a newer migration
├── QueueUnavailable        try again later
└── StorageError         see `domain/storage_errors.py`
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.domain.rejections import DETAILS, RejectionReason

RETRY_AFTER_SECONDS = 2


class BrokerError(Exception):
    """An error that is reported to the caller.

    `fields` maps a field of the request to its messages; `retry_after` is in seconds. `reason` is
    for operators: logs and commands show it instead of `detail`, and no answer contains it.
    """

    code: ClassVar[str] = "internal_error"
    retry_after: int | None = None

    def __init__(
        self,
        detail: str,
        fields: Mapping[str, Any] | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields
        self.reason = reason

    @property
    def members(self) -> dict[str, Any]:
        """Members of the problem besides those of RFC 9457 and `errors`."""
        return {}

    @property
    def for_operators(self) -> str:
        """What logs and commands show."""
        return self.reason or self.detail


class InvalidRequest(BrokerError):
    """A field's value cannot be accepted."""

    code = "validation_error"


class AvatarNotConfirmed(InvalidRequest):
    """The upload named as an avatar is not the user's own confirmed avatar."""

    code = "avatar_not_confirmed"


class InvalidReport(InvalidRequest):
    """An inventory report or a CSV of images is broken, or belongs to another bucket."""


class InvalidBucketNotification(BrokerError):
    """The message is not a bucket notification in a known format."""

    code = "invalid_event"


class CallerErased(BrokerError):
    """The caller was erased after the token was issued, or the token does not say when it was."""

    code = "token_invalid"


class Forbidden(BrokerError):
    """The caller has no right to this owner or resource."""

    code = "forbidden"


class CapabilityInvalid(Forbidden):
    """The capability is forged or damaged, or its session no longer exists."""

    code = "capability_invalid"


class CapabilityExpired(Forbidden):
    """The session has expired."""

    code = "capability_expired"


class CapabilityRevoked(Forbidden):
    """The session was revoked."""

    code = "capability_revoked"


class CapabilityExhausted(Forbidden):
    """The session's files or bytes are used up."""

    code = "capability_exhausted"


class NotFound(BrokerError):
    """The resource does not exist, or this principal must not know that it exists."""

    code = "not_found"


class AdOwnedByAnother(BrokerError):
    """The ad that a service wants to replace belongs to another user."""

    code = "ad_owned_by_another"


class UserErased(BrokerError):
    """The user that a service names was erased after the service's token was issued."""

    code = "user_erased"


class ImageLimitReached(BrokerError):
    """The owner has no free slot for another file."""

    code = "image_limit_reached"


class QuotaExceeded(BrokerError):
    """Too little of the user's quota is left in the current window."""

    code = "quota_exceeded"

    def __init__(self, detail: str, fields: Mapping[str, Any], *, retry_after: int) -> None:
        super().__init__(detail, fields)
        self.retry_after = retry_after


class ObjectMissing(BrokerError):
    """The bucket has no object at the upload's key yet."""

    code = "object_missing"
    retry_after = RETRY_AFTER_SECONDS


class ObjectMismatch(BrokerError):
    """The object differs from the declaration in the ticket."""

    code = "object_mismatch"


class UploadRejected(BrokerError):
    """The worker rejected the file. The problem has the code of the reason as `reason`."""

    code = "upload_rejected"

    def __init__(self, rejection: RejectionReason) -> None:
        super().__init__(DETAILS[rejection])
        self.rejection = rejection

    @property
    def members(self) -> dict[str, Any]:
        """See BrokerError."""
        return {"reason": self.rejection.value}


class PartsMissing(BrokerError):
    """Parts have not arrived; `fields` lists their numbers."""

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
    """A request with this key is still running, or a retry has just overtaken it."""

    code = "idempotency_in_flight"
    retry_after = 1


class Gone(BrokerError):
    """The resource existed and has ended or was deleted."""


class UploadExpired(Gone):
    """The ticket has expired, and so has its grace period."""

    code = "upload_expired"


class UploadCancelled(Gone):
    """The ticket was cancelled."""

    code = "upload_cancelled"


class ImageDeleted(Gone):
    """The image was recorded and deleted later."""

    code = "image_deleted"


class CursorExpired(Gone):
    """Events after this position of the feed were deleted, or the database was restored."""

    code = "cursor_expired"


class DatabaseUnavailable(BrokerError):
    """The database cannot be reached, or stayed locked for longer than its time limit."""

    code = "database_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class DatabaseNotMigrated(DatabaseUnavailable):
    """The database lacks a migration that this release needs."""

    code = "database_not_migrated"
    retry_after = 30


class CannotStart(DatabaseNotMigrated):
    """The settings do not fit the rows. A process that starts ends; one that runs answers 503."""


class FormerUploadsPending(CannotStart):
    """Inspection is required, but clients can still write to public keys of release 0.2."""


class ProfilesChanged(CannotStart):
    """A profile in use is missing, or its prefix or visibility has changed."""


class QueueUnavailable(BrokerError):
    """The queue of bucket notifications does not answer, or refuses the broker."""

    code = "queue_unavailable"
