"""What services need of a bucket. Every implementation passes tests/contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.domain.object_head import ListedObject, ObjectHead, PresignedPost, PresignedPut
from broker.domain.part_plan import UploadedPart
from broker.domain.post_policy import PostForm
from broker.domain.put_request import PutRequest


class ObjectStorage(Protocol):
    """One bucket. Keys are whole object keys; no method moves bytes through the caller.

    Every method raises StorageUnavailable when the bucket gives no answer or a 5xx, and
    StorageDenied when it refuses the broker itself.
    """

    def head(self, key: str) -> ObjectHead:
        """HeadObject with checksum mode; must raise ObjectNotFound when there is none."""

    def delete(self, key: str) -> None:
        """DeleteObject; a missing key is fine."""

    def copy(self, source_key: str, key: str, *, if_match: str) -> str:
        """CopyObject within the bucket, only while the source's ETag is `if_match`.

        Returns the copy's ETag; must raise PreconditionFailed or ObjectNotFound.
        """

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        """ListObjectsV2, page by page as they are read, in the server's own order."""

    def check(self) -> None:
        """HeadBucket."""


class MultipartStorage(Protocol):
    """The multipart uploads of one bucket; errors as of ObjectStorage."""

    def create(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str,
        upload_id: str,
        acl: str | None,
        sha256: bool,
    ) -> str:
        """CreateMultipartUpload; gives S3's id of it. `sha256` means that every part has one."""

    def list_parts(self, key: str, multipart_id: str) -> list[UploadedPart]:
        """ListParts, all pages; must raise MultipartNotFound."""

    def complete(self, key: str, multipart_id: str, parts: Sequence[UploadedPart]) -> None:
        """CompleteMultipartUpload; must raise MultipartNotFound or InvalidParts."""

    def abort(self, key: str, multipart_id: str) -> None:
        """AbortMultipartUpload; one that is gone is fine."""


@dataclass(frozen=True, kw_only=True)
class QueueMessage:
    """A message that is hidden from other readers for a while; `receipt_handle` deletes it."""

    message_id: str
    receipt_handle: str
    body: str


class NotificationQueue(Protocol):
    """The queue that a bucket's notifications go to, with SQS's ways.

    Both methods raise QueueUnavailable.
    """

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        """ReceiveMessage: up to ten, at once where there are some, else after the wait."""

    def delete(self, message: QueueMessage) -> None:
        """DeleteMessage: it is dealt with."""


class Presigner(Protocol):
    """What signs for clients; asks the bucket nothing. `bucket_url` is where clients reach it.

    Both methods must raise StorageDenied when there are no credentials.
    """

    bucket_url: str

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        """Sign a form."""

    def presign_put(self, request: PutRequest, now: datetime) -> PresignedPut:
        """Sign a PUT of an object or a part."""


class Storage(ObjectStorage, Protocol):
    """A bucket with all of its abilities, and where anyone may read its images."""

    bucket: str
    media_url: str

    @property
    def multipart(self) -> MultipartStorage:
        """Give its multipart uploads."""

    @property
    def presigner(self) -> Presigner:
        """Give what signs for it."""
