"""boto3's errors as ours. A 403 stays itself: it never means "missing"."""

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
    """Turn boto3's error into one of ours."""
    if isinstance(error, NoCredentialsError):
        return StorageDenied("The broker has no AWS credentials.")
    if not isinstance(error, ClientError):
        return StorageUnavailable("The bucket does not answer; try again.")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", str(status))
    return translate_status(status, code)


def translate_without_object(error: ClientError | BotoCoreError) -> StorageError:
    """Do likewise for a call that needs no object: a 404 then says that there is no bucket.

    S3 says NoSuchBucket; a proxy that leads elsewhere has a page of its own for it.
    """
    translated = translate(error)
    if isinstance(translated, ObjectNotFound):
        return StorageDenied("There is no such bucket at the endpoint.")
    return translated


def is_missing_key(error: ClientError | BotoCoreError) -> bool:
    """Tell whether S3 itself says that the object is not there."""
    return isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchKey"


def translate_status(status: int, code: str) -> StorageError:
    """Turn an answer that is no success into one of ours; `code` is S3's own word for it."""
    if code == "NoSuchUpload":
        return MultipartNotFound("The bucket has no such multipart upload.")
    if code in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
        return InvalidParts(f"The bucket cannot put the parts together: {code}.")
    if code == "NoSuchBucket":
        return StorageDenied("There is no such bucket at the endpoint.")
    if status == 404:
        return ObjectNotFound("No object at this key.")
    if status == 412:
        return PreconditionFailed("The object's ETag is another one.")
    if status >= 500 or status == 429:
        return StorageUnavailable("The bucket does not answer; try again.")
    return StorageDenied(f"The bucket refuses the broker's own request: {code}.")
