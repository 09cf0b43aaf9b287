"""The objects of the bucket in this process as files, for a worker."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from broker.domain.object_head import ObjectHead
from broker.domain.storage_errors import ObjectRefused, PreconditionFailed
from broker.storage.object_files import Downloaded
from tests.fuzz.digests import md5, sha256

if TYPE_CHECKING:
    from tests.fuzz.fake_bucket import FakeBucket


class FakeFiles:
    """Implements `ObjectFiles`. It writes an object only if its key has none, as S3 does."""

    def __init__(self, bucket: "FakeBucket") -> None:
        self._bucket = bucket

    def download(
        self, key: str, target: Path, *, max_bytes: int, keep: Callable[[], None]
    ) -> Downloaded:
        self._bucket.head(key)
        keep()
        data = self._bucket.content[key][:max_bytes]
        target.write_bytes(data)
        return Downloaded(
            size=len(data),
            checksum_sha256=sha256(data),
            is_complete=data == self._bucket.content[key],
        )

    def upload(
        self,
        file: BinaryIO,
        key: str,
        *,
        size: int,
        content_type: str,
        cache_control: str,
        checksum_sha256: str,
        metadata: dict[str, str],
        acl: str | None,
    ) -> str:
        data = file.read()
        if key in self._bucket.objects:
            raise PreconditionFailed(key)
        if (len(data), sha256(data)) != (size, checksum_sha256):
            raise ObjectRefused(key)
        self._bucket.content[key] = data
        self._bucket.objects[key] = ObjectHead(
            content_length=size,
            content_type=content_type,
            etag=md5(data),
            checksum_sha256=checksum_sha256,
            metadata=metadata,
        )
        return self._bucket.objects[key].etag
