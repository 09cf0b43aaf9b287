r"""The errors of requests to the bucket, as one tree below BrokerError.

StorageError
├── ObjectNotFound      \
├── ObjectRefused        |
├── PreconditionFailed   | raised by the storage; services turn them into other errors
├── MultipartNotFound    |
├── InvalidParts        /
├── ObjectBusy          only this object does not answer; try again later
├── StorageUnavailable  the server does not answer; try again later
└── StorageDenied       the bucket refuses the broker's own credentials
    └── BucketMissing   the server has no such bucket
"""

from broker.domain.errors import RETRY_AFTER_SECONDS, BrokerError


class StorageError(BrokerError):
    """A request of the broker to the bucket failed."""


class ObjectNotFound(StorageError):
    """The bucket has no object at this key."""

    code = "object_not_found"


class ObjectRefused(StorageError):
    """S3 refuses the request for this object, but answers for others.

    For example, HEAD is 400 if the client encrypted the object with its own key (SSE-C).
    """

    code = "object_refused"


class PreconditionFailed(StorageError):
    """The object's ETag is not the required one (S3: 412)."""

    code = "precondition_failed"


class MultipartNotFound(StorageError):
    """The multipart upload was completed, aborted, or removed by the bucket's lifecycle rule."""

    code = "multipart_not_found"


class InvalidParts(StorageError):
    """The named parts cannot be completed: a part is missing or too small."""

    code = "invalid_parts"


class StorageUnavailable(StorageError):
    """The bucket did not answer, or answered 5xx."""

    code = "storage_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class ObjectBusy(StorageError):
    """S3 does not answer for this object, but answers for others.

    MinIO locks a key while a conditional PUT to it is being sent, however slowly.
    """

    code = "storage_unavailable"
    retry_after = RETRY_AFTER_SECONDS


class StorageDenied(StorageError):
    """The bucket refuses the broker: its credentials, policy or bucket name are wrong."""

    code = "storage_denied"
    retry_after = 30


class BucketMissing(StorageDenied):
    """The server has no such bucket, or the address is not that of an S3 server."""
