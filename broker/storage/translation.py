"""Translate boto3's errors into domain errors. A 403 never counts as a missing object."""

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from broker.domain.s3_servers import DIGEST_ERRORS
from broker.domain.storage_errors import (
    BucketMissing,
    InvalidParts,
    MultipartNotFound,
    ObjectNotFound,
    ObjectRefused,
    PreconditionFailed,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)

# Statuses that are about either this object or the broker itself.
MAY_BE_OF_OBJECT = (400, 403)
# S3's answers about the bytes or the properties of one object, not about the broker.
_ABOUT_OBJECT = DIGEST_ERRORS | frozenset(
    {
        "EntityTooLarge",
        "InvalidArgument",
        "InvalidDigest",
        "InvalidObjectState",
        "InvalidRequest",
    }
)


def translate(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error for an error of boto3."""
    if isinstance(error, NoCredentialsError):
        return StorageDenied("The broker has no AWS credentials.")
    if not isinstance(error, ClientError):
        return StorageUnavailable("The bucket does not answer; try again.")
    status = _status(error)
    code = error.response.get("Error", {}).get("Code", str(status))
    return translate_status(status, code)


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def translate_without_object(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of a call that needs no object: a 404 means that no bucket exists.

    S3 answers NoSuchBucket; a wrongly configured proxy answers 404 with its own page.
    """
    translated = translate(error)
    if isinstance(translated, ObjectNotFound):
        return BucketMissing("There is no such bucket at the endpoint.")
    return translated


def translate_of_copy(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of a copy. Only NoSuchKey means that its source does not exist."""
    if is_missing_key(error):
        return ObjectNotFound("No object at this key.")
    translated = _about_object(error, translate_without_object(error))
    if isinstance(translated, MultipartNotFound | InvalidParts):
        # The completion of a copy in parts was sent twice, or the bucket's rule aborted the copy.
        return StorageUnavailable("The copy was not finished; try again.")
    return translated


def is_missing_key(error: ClientError | BotoCoreError) -> bool:
    """Check whether S3 itself says that the object does not exist."""
    return isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchKey"


def may_be_of_object(error: ClientError | BotoCoreError) -> bool:
    """Check whether the error may be about this object only."""
    return isinstance(error, ClientError) and _status(error) in MAY_BE_OF_OBJECT


def translate_of_multipart(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of a call that names a multipart upload.

    After a completion or an abort, Ceph and OpenStack Swift answer NoSuchKey, S3 NoSuchUpload.
    """
    if is_missing_key(error):
        return MultipartNotFound("The bucket has no such multipart upload.")
    return translate_without_object(error)


def translate_of_completion(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of CompleteMultipartUpload."""
    return _about_object(error, translate_of_multipart(error))


def _about_object(error: ClientError | BotoCoreError, translated: StorageError) -> StorageError:
    """Return ObjectRefused if S3 says that this cannot be done with the object.

    S3 has just answered for the object, so these codes are not about the broker's clock or
    credentials.
    """
    code = error.response["Error"].get("Code") if isinstance(error, ClientError) else None
    if isinstance(translated, StorageDenied) and code in _ABOUT_OBJECT:
        return ObjectRefused(f"The bucket cannot do this with the object: {code}.")
    return translated


def translate_missing(error: KeyError) -> StorageError:
    """Return the domain error for an answer without a member that S3 always sends."""
    return StorageUnavailable(f"The bucket's answer has no {error.args[0]}; is it an S3 server?")


def translate_status(status: int, code: str) -> StorageError:
    """Return the domain error for an unsuccessful answer; `code` is the S3 error code."""
    if code == "NoSuchUpload":
        return MultipartNotFound("The bucket has no such multipart upload.")
    if code in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
        return InvalidParts(f"The bucket cannot put the parts together: {code}.")
    if code == "NoSuchBucket":
        return BucketMissing("There is no such bucket at the endpoint.")
    if status == 404:
        return ObjectNotFound("No object at this key.")
    if status == 412:
        return PreconditionFailed("The object has another ETag.")
    # 501 is for good: Garage, Swift and S3Proxy do not know this header or call.
    if (status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED) or status == 429:
        return StorageUnavailable("The bucket does not answer; try again.")
    return StorageDenied(f"The bucket refuses the broker's own request: {code}.")
