"""Translate boto3's errors into domain errors. A 403 never counts as a missing object."""

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from broker.domain.errors import (
    InvalidParts,
    MultipartNotFound,
    ObjectNotFound,
    PreconditionFailed,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)


def translate(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error for an error of boto3."""
    if isinstance(error, NoCredentialsError):
        return StorageDenied("The broker has no AWS credentials.")
    if not isinstance(error, ClientError):
        return StorageUnavailable("The bucket does not answer; try again.")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", str(status))
    return translate_status(status, code)


def translate_without_object(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of a call that needs no object: a 404 means that no bucket exists.

    S3 answers NoSuchBucket; a wrongly configured proxy answers 404 with its own page.
    """
    translated = translate(error)
    if isinstance(translated, ObjectNotFound):
        return StorageDenied("There is no such bucket at the endpoint.")
    return translated


def is_missing_key(error: ClientError | BotoCoreError) -> bool:
    """Check whether S3 itself says that the object does not exist."""
    return isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchKey"


def translate_of_multipart(error: ClientError | BotoCoreError) -> StorageError:
    """Return the domain error of a call that names a multipart upload.

    After a completion or an abort, Ceph and OpenStack Swift answer NoSuchKey, S3 NoSuchUpload.
    """
    if is_missing_key(error):
        return MultipartNotFound("The bucket has no such multipart upload.")
    return translate_without_object(error)


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
        return StorageDenied("There is no such bucket at the endpoint.")
    if status == 404:
        return ObjectNotFound("No object at this key.")
    if status == 412:
        return PreconditionFailed("The object has another ETag.")
    if status >= 500 or status == 429:
        return StorageUnavailable("The bucket does not answer; try again.")
    return StorageDenied(f"The bucket refuses the broker's own request: {code}.")
