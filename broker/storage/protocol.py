"""What services need of a bucket. Every implementation passes tests/contract."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from broker.domain.object_head import ObjectHead, PresignedPost
from broker.domain.post_policy import PostForm


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

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """ListObjectsV2, page by page."""

    def check(self) -> None:
        """HeadBucket."""


class PostPresigner(Protocol):
    """What signs forms; asks the bucket nothing."""

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        """Sign a form; must raise StorageDenied when there are no credentials."""


class Storage(ObjectStorage, PostPresigner, Protocol):
    """Both of the above, where forms go, and where anyone may read the images."""

    bucket: str
    form_url: str
    media_url: str
