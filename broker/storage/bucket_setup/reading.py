"""Read the aspects of a bucket, and check the permissions to read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from broker.storage.bucket_setup.aspect import Aspect, Unreadable
from broker.storage.translation import translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CREDENTIALS = (
    "`broker bucket apply` needs keys of the bucket's owner or of an administrator"
    " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE). The keys of the API and of"
    " the workers may not configure the bucket"
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The present value of an aspect, or the reason why there is none.

    Attributes:
        value: the present configuration; the aspect's `empty` if the bucket has none.
        supported: whether the server has this feature.
        unreadable: what is wrong with the server's answer; None if it can be used.
    """

    value: Any = None
    supported: bool = True
    unreadable: str | None = None


def check_permissions(client: "S3Client", bucket: str, aspects: Iterable[Aspect]) -> None:
    """Read every aspect, so that missing permissions are known before the first change.

    Raises:
        StorageDenied: these credentials may not read some of them. It names the refused actions.
        StorageUnavailable: the server does not answer.
    """
    denied = {}
    for aspect in aspects:
        try:
            read(client, bucket, aspect)
        except ClientError as error:
            if not is_denied(error):
                raise translate(error) from error
            denied[f"s3:Get{aspect.permission}"] = code_of(error)
    if denied:
        raise refused(denied)


def read(client: "S3Client", bucket: str, aspect: Aspect) -> Found:
    """Read an aspect; raise ClientError if the credentials are refused or the server fails."""
    try:
        return Found(value=aspect.read(client, bucket))
    except (Unreadable, ResponseParserError) as error:
        return Found(unreadable=str(error).splitlines()[0])
    except ClientError as error:
        if is_not_supported(error, aspect):
            return Found(supported=False)
        if status_of(error) == 404:
            # Servers use different codes, such as NoSuchBucketPolicy and NoSuchPolicy.
            return Found(value=aspect.empty)
        if is_expected(error, aspect):
            return Found(supported=False)
        if is_denied(error) or isinstance(translate(error), StorageUnavailable):
            raise
        return Found(unreadable=reason(error))


def refused(denied: Mapping[str, str]) -> StorageDenied:
    """Return the error for refused actions: a dictionary from IAM action to S3 error code."""
    codes = ", ".join(sorted(set(denied.values())))
    return StorageDenied(
        f"The server refuses {', '.join(denied)} ({codes}). Nothing was changed. {CREDENTIALS}."
    )


def is_not_supported(error: ClientError, aspect: Aspect) -> bool:
    """Check whether the error means that the server lacks the feature."""
    return code_of(error) in aspect.not_supported or status_of(error) == 501


def is_expected(error: ClientError, aspect: Aspect) -> bool:
    """Check whether the server refuses a feature that it is known to lack, with whatever code."""
    return aspect.is_lacking and 400 <= status_of(error) < 500


def is_denied(error: ClientError) -> bool:
    """Check whether the server refuses the credentials or their permissions."""
    return status_of(error) in (401, 403)


def code_of(error: ClientError) -> str:
    """Return the S3 error code, or the status if the answer has none."""
    return str(error.response.get("Error", {}).get("Code") or status_of(error))


def status_of(error: ClientError) -> int:
    """Return the HTTP status; 0 if it is unknown."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def reason(error: ClientError) -> str:
    """Return status, code and S3's own message, in one line."""
    message = str(error.response.get("Error", {}).get("Message") or "").strip()
    first = f": {message.splitlines()[0]}" if message else ""
    return f"{status_of(error)} {code_of(error)}{first}"
