"""The interfaces that services need. Every implementation passes tests/contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.domain.object_head import ListedObject, ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.domain.transports import Presigner
from broker.storage.buckets import ByKey
from broker.storage.private_reader import PrivateReader


class ObjectStorage(Protocol):
    """One bucket or two. No method reads or writes an object's bytes.

    A key is a full object key, which decides on the bucket (`buckets.py`).

    Every method raises StorageUnavailable if the bucket does not answer or answers 5xx, and
    StorageDenied if it refuses the broker itself. `head`, `delete` and `copy` raise ObjectRefused
    if it refuses only this object. `head` and `delete` raise ObjectBusy if only this object gets no
    answer.
    """

    def head(self, key: str) -> ObjectHead:
        """Send HeadObject in checksum mode; raise ObjectNotFound if there is no object."""

    def delete(self, key: str) -> None:
        """Send DeleteObject; a missing object is not an error."""

    def copy(
        self,
        source_key: str,
        key: str,
        *,
        source: ObjectHead,
        cache_control: str,
        acl: str | None = None,
    ) -> str:
        """Copy an object, if its ETag is that of `source`.

        The copy has the source's Content-Type and metadata. `source` is the source's HEAD, and
        `cache_control` its Cache-Control, which HEAD does not return.

        Returns:
            The ETag of the copy.

        Raises:
            PreconditionFailed: the source has another ETag.
            ObjectNotFound: there is no source.
        """

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        """Send ListObjectsV2 page by page; yield the objects in the server's order.

        Only the bucket of the prefix is listed.
        """

    def check(self) -> None:
        """Send HeadBucket for each bucket."""


class MultipartStorage(Protocol):
    """Multipart uploads; raises the same errors as ObjectStorage."""

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
        """Send CreateMultipartUpload; return S3's upload id.

        With `sha256`, every part must have a SHA-256.
        """

    def list_parts(self, key: str, multipart_id: str) -> list[UploadedPart]:
        """Send ListParts for all pages; raise MultipartNotFound if there is no such upload."""

    def complete(self, key: str, multipart_id: str, parts: Sequence[UploadedPart]) -> None:
        """Send CompleteMultipartUpload.

        Raises:
            MultipartNotFound: there is no such upload.
            InvalidParts: a part is missing or too small.
            ObjectRefused: the bucket refuses these parts for another reason.
        """

    def abort(self, key: str, multipart_id: str) -> None:
        """Send AbortMultipartUpload; a missing upload is not an error."""


@dataclass(frozen=True, kw_only=True)
class QueueMessage:
    """A message, hidden from other consumers for a while. Delete it by `receipt_handle`."""

    message_id: str
    receipt_handle: str
    body: str


class NotificationQueue(Protocol):
    """The queue that receives the bucket's notifications; it behaves like SQS.

    Both methods raise QueueUnavailable.
    """

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        """Receive up to ten messages; wait up to `wait_seconds` if there are none."""

    def delete(self, message: QueueMessage) -> None:
        """Delete a message that has been processed."""


class Storage(ObjectStorage, Protocol):
    """All operations, the names of the buckets, and `media_url`, the public base URL of images."""

    buckets: ByKey[str]
    media_url: str

    @property
    def multipart(self) -> MultipartStorage:
        """Its multipart uploads."""

    @property
    def presigner(self) -> Presigner:
        """Its presigner."""

    @property
    def private_reader(self) -> PrivateReader | None:
        """Presigns GETs of private objects; None if the settings have no key for it."""
