"""A bucket on an S3 server, through boto3; its client can move no bytes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from broker.domain.errors import (
    ObjectNotFound,
    PreconditionFailed,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)
from broker.domain.object_head import ObjectHead, PresignedPost
from broker.domain.post_policy import PostForm
from broker.storage.sigv4 import Credentials, sign_post

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALLOWED_OPERATIONS = frozenset(
    {"HeadObject", "HeadBucket", "DeleteObject", "ListObjectsV2", "CopyObject"}
)


class ForbiddenOperation(Exception):
    """The broker's own client was asked to do what the broker must never do."""


def refuse_other_operations(model: Any, **_: object) -> None:
    """Stop any call but the allowed ones before a byte is sent (boto3 event handler)."""
    if model.name not in ALLOWED_OPERATIONS:
        raise ForbiddenOperation(f"The broker does not call {model.name}.")


class S3Storage:
    """One bucket; see `ObjectStorage` for what each method promises.

    Args:
        client: made by `factory.s3_storage`, guarded by `refuse_other_operations`.
        credentials: gives the current credentials; refreshes them before they lapse.
        form_url: where browsers send forms.
        media_url: the public base of the location, without a last slash.
    """

    def __init__(
        self,
        client: "S3Client",
        *,
        bucket: str,
        region: str,
        credentials: Callable[[], Credentials | None],
        form_url: str,
        media_url: str,
    ) -> None:
        self.client = client
        self.bucket = bucket
        self.media_url = media_url
        self._region = region
        self._credentials = credentials
        self.form_url = form_url

    def head(self, key: str) -> ObjectHead:
        """See ObjectStorage."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error
        return ObjectHead(
            content_length=answer["ContentLength"],
            content_type=answer.get("ContentType", ""),
            etag=answer["ETag"].strip('"'),
            checksum_sha256=answer.get("ChecksumSHA256"),
            metadata=answer.get("Metadata", {}),
        )

    def delete(self, key: str) -> None:
        """See ObjectStorage."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            translated = translate(error)
            if not isinstance(translated, ObjectNotFound):
                raise translated from error

    def copy(self, source_key: str, key: str, *, if_match: str) -> str:
        """See ObjectStorage."""
        try:
            answer = self.client.copy_object(
                Bucket=self.bucket,
                Key=key,
                CopySource={"Bucket": self.bucket, "Key": source_key},
                CopySourceIfMatch=if_match,
            )
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error
        # SeaweedFS answers without quotes, the others with them.
        return answer["CopyObjectResult"]["ETag"].strip('"')

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """See ObjectStorage."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=start_after
        )
        try:
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"]
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error

    def check(self) -> None:
        """See ObjectStorage."""
        try:
            self.client.head_bucket(Bucket=self.bucket)
        except (ClientError, BotoCoreError) as error:
            translated = translate(error)
            if isinstance(translated, ObjectNotFound):
                raise StorageDenied(f"There is no bucket {self.bucket}.") from error
            raise translated from error

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        """See PostPresigner."""
        try:
            credentials = self._credentials()
        except BotoCoreError as error:
            raise translate(error) from error
        if credentials is None:
            raise StorageDenied("The broker has no AWS credentials.")
        fields = sign_post(
            form, bucket=self.bucket, region=self._region, credentials=credentials, now=now
        )
        return PresignedPost(url=self.form_url, fields=fields)


def translate(error: ClientError | BotoCoreError) -> StorageError:
    """Turn boto3's error into one of ours. A 403 stays itself: it never means "missing"."""
    if isinstance(error, NoCredentialsError):
        return StorageDenied("The broker has no AWS credentials.")
    if not isinstance(error, ClientError):
        return StorageUnavailable("The bucket does not answer; try again.")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == 404:
        return ObjectNotFound("No object at this key.")
    if status == 412:
        return PreconditionFailed("The object's ETag is another one.")
    if status >= 500 or status == 429:
        return StorageUnavailable("The bucket does not answer; try again.")
    code = error.response.get("Error", {}).get("Code", status)
    return StorageDenied(f"The bucket refuses the broker's own request: {code}.")
