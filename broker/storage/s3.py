"""The buckets on an S3 server, through boto3. The client refuses calls that read or write bytes."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from broker.domain.object_head import ListedObject, ObjectHead
from broker.domain.object_keys import beside
from broker.domain.s3_servers import OTHER, S3Server
from broker.domain.storage_errors import ObjectBusy, ObjectRefused, StorageError, StorageUnavailable
from broker.storage.buckets import ByKey
from broker.storage.copies import S3Copies
from broker.storage.heads import ObjectHeads
from broker.storage.multipart import S3Multipart
from broker.storage.presigner import S3Presigner
from broker.storage.private_reader import PrivateReader
from broker.storage.translation import (
    is_missing_key,
    may_be_of_object,
    translate_missing,
    translate_without_object,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALLOWED_OPERATIONS = frozenset(
    {
        "DeleteObject",
        "ListObjectsV2",
        "CopyObject",
        "UploadPartCopy",
        "CreateMultipartUpload",
        "ListParts",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
    }
)


class ForbiddenOperation(Exception):
    """The client was called with an operation that the broker must never use."""


def refuse_all_but(allowed: frozenset[str]) -> Callable[..., None]:
    """Return a boto3 event handler that refuses other operations before anything is sent."""

    def refuse(model: Any, **_: object) -> None:
        if model.name not in allowed:
            raise ForbiddenOperation(f"This process does not call {model.name}.")

    return refuse


def follow_no_redirect(context: Any, **_: object) -> None:
    """Treat a redirect as an error instead of following it (boto3 event handler).

    boto3 would send HeadBucket to find the bucket's region. If a proxy redirects every request,
    this never ends. If only the region is wrong, forms are signed for the wrong region, too, so
    following the redirect would not help.
    """
    context.get("s3_redirect", {})["redirected"] = True


class S3Storage:
    """One bucket or two; implements `ObjectStorage`.

    Args:
        client: created by `factory.s3_storage`, which allows ALLOWED_OPERATIONS only.
        buckets: the names of the buckets.
        heads: for each bucket.
        media_url: the public base URL of the location, without a trailing slash.
        private_reader: presigns GETs of private objects; None without a key for it.
        server: its row in the table of servers.
    """

    def __init__(
        self,
        client: "S3Client",
        *,
        buckets: ByKey[str],
        presigner: S3Presigner,
        heads: ByKey[ObjectHeads],
        media_url: str,
        private_reader: PrivateReader | None = None,
        server: S3Server = OTHER,
    ) -> None:
        self.client = client
        self.buckets = buckets
        self.media_url = media_url
        self.presigner = presigner
        self.private_reader = private_reader
        self._heads = heads
        self._copies = S3Copies(client, buckets, server)
        self.multipart = S3Multipart(client, buckets)

    def head(self, key: str) -> ObjectHead:
        """See ObjectStorage."""
        return self._heads.of(key).head(key)

    def delete(self, key: str) -> None:
        """See ObjectStorage."""
        try:
            self.client.delete_object(Bucket=self.buckets.of(key), Key=key)
        except (ClientError, BotoCoreError) as error:
            # Only NoSuchKey is success (S3 itself answers 204). Any other error must stay in the
            # outbox, or an object would never be deleted.
            if is_missing_key(error):
                return
            # For example, an object lock refuses only this object.
            if may_be_of_object(error) and self._deletes(beside(key)):
                raise ObjectRefused("The bucket refuses to delete this object.") from error
            if isinstance(error, ReadTimeoutError) and self._answers(beside(key)):
                raise ObjectBusy("The bucket does not answer for this object.") from error
            raise translate_without_object(error) from error

    def _deletes(self, key: str) -> bool:
        """Check whether the bucket allows the deletion of a key without an object."""
        try:
            self.client.delete_object(Bucket=self.buckets.of(key), Key=key)
        except (ClientError, BotoCoreError) as error:
            return is_missing_key(error)
        return True

    def _answers(self, key: str) -> bool:
        """Check whether the bucket answers for a key without an object."""
        try:
            self._heads.of(key).head(key)
        except StorageError as error:
            return not isinstance(error, StorageUnavailable)
        return True

    def copy(
        self,
        source_key: str,
        key: str,
        *,
        source: ObjectHead,
        cache_control: str,
        acl: str | None = None,
    ) -> str:
        """See ObjectStorage."""
        return self._copies.copy(
            source_key, key, source=source, cache_control=cache_control, acl=acl
        )

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        """See ObjectStorage."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.buckets.of(prefix), Prefix=prefix
        )
        try:
            for page in pages:
                for item in page.get("Contents", []):
                    yield ListedObject(
                        key=item["Key"],
                        size=item["Size"],
                        etag=item["ETag"].strip('"'),
                        last_modified=item["LastModified"],
                    )
        except (ClientError, BotoCoreError) as error:
            raise translate_without_object(error) from error
        except KeyError as error:
            raise translate_missing(error) from error

    def check(self) -> None:
        """See ObjectStorage."""
        for heads in self._heads.each():
            heads.check()
