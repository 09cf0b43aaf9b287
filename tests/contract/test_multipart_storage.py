"""The multipart behaviour that every bucket must have, on each S3 server."""

from datetime import UTC, datetime

import httpx
import pytest

from broker.domain.checksums import composite_sha256
from broker.domain.part_plan import UploadedPart
from broker.domain.put_request import PartRequest, PartsRequest
from broker.domain.storage_errors import (
    InvalidParts,
    MultipartNotFound,
    StorageError,
    StorageUnavailable,
)
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage
from tests.http.part_uploads import PART, digest
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy

KEY = "media/ads/ad_1/large_Zt41bQ9c.jpg"
INTERNAL_ERROR = b"<Error><Code>InternalError</Code></Error>"
DATA = {1: b"a" * PART, 2: b"b" * 1000}


@pytest.fixture
def storage(any_bucket: Bucket) -> S3Storage:
    return any_bucket.storage


def begin(storage: S3Storage, *, sha256: bool = True) -> str:
    return storage.multipart.create(
        KEY,
        content_type="image/jpeg",
        cache_control="public",
        upload_id="u",
        acl=None,
        sha256=sha256,
    )


def send(storage: S3Storage, multipart_id: str, number: int, *, sha256: bool = True) -> None:
    data = DATA[number]
    pinned = digest(data) if sha256 else None
    request = PartsRequest(
        object_key=KEY,
        multipart_id=multipart_id,
        parts=[PartRequest(part_number=number, size=len(data), checksum_sha256=pinned)],
        expires_in=300,
    )
    (put,) = storage.presigner.presign_parts(request, datetime.now(UTC))
    assert httpx.put(put.url, content=data, headers=put.headers).status_code == 200


def named(storage: S3Storage, multipart_id: str, *, sha256: bool = True) -> list[UploadedPart]:
    return [
        UploadedPart(
            part_number=part.part_number,
            size=part.size,
            etag=part.etag,
            checksum_sha256=digest(DATA[part.part_number]) if sha256 else None,
        )
        for part in storage.multipart.list_parts(KEY, multipart_id)
    ]


@pytest.mark.parametrize("sha256", [True, False])
def test_listed_parts_are_completed_to_one_object(any_bucket: Bucket, sha256: bool) -> None:
    storage = any_bucket.storage
    multipart_id = begin(storage, sha256=sha256)
    assert storage.multipart.list_parts(KEY, multipart_id) == []
    for number in (2, 1):
        send(storage, multipart_id, number, sha256=sha256)
    parts = named(storage, multipart_id, sha256=sha256)
    assert [(part.part_number, part.size) for part in parts] == [(1, PART), (2, 1000)]
    storage.multipart.complete(KEY, multipart_id, parts)
    head = storage.head(KEY)
    assert (head.content_length, head.content_type) == (PART + 1000, "image/jpeg")
    assert head.metadata == {"upload-id": "u"}
    composite = composite_sha256(digest(DATA[number]) for number in (1, 2))
    is_returned = sha256 and any_bucket.settings.server.returns_digests
    assert head.checksum_sha256 == (composite if is_returned else None)
    with pytest.raises(MultipartNotFound):
        storage.multipart.list_parts(KEY, multipart_id)


def test_missing_or_too_small_parts_are_invalid(storage: S3Storage) -> None:
    multipart_id = begin(storage, sha256=False)
    send(storage, multipart_id, 2, sha256=False)
    (small,) = named(storage, multipart_id, sha256=False)
    for wrong in (
        [UploadedPart(part_number=1, size=PART, etag=small.etag)],
        [UploadedPart(part_number=2, size=1000, etag="0" * 32)],
    ):
        with pytest.raises(InvalidParts):
            storage.multipart.complete(KEY, multipart_id, wrong)


def test_an_aborted_upload_is_gone_and_can_be_aborted_again(storage: S3Storage) -> None:
    multipart_id = begin(storage)
    send(storage, multipart_id, 1)
    for _ in range(2):
        storage.multipart.abort(KEY, multipart_id)
    with pytest.raises(MultipartNotFound):
        storage.multipart.list_parts(KEY, multipart_id)


def test_an_unknown_multipart_upload_cannot_be_completed(storage: S3Storage) -> None:
    multipart_id = begin(storage)
    storage.multipart.abort(KEY, multipart_id)
    with pytest.raises(MultipartNotFound):
        storage.multipart.complete(
            KEY, multipart_id, [UploadedPart(part_number=1, size=1, etag="0" * 32)]
        )


@pytest.mark.parametrize(
    ("has_ended", "expected"), [(True, MultipartNotFound), (False, StorageUnavailable)]
)
def test_a_completion_that_fails_is_not_found_if_the_upload_has_ended(
    s3_bucket: Bucket, has_ended: bool, expected: type[StorageError]
) -> None:
    # As on Ceph 16, which then answers 500 to the completion.
    multipart_id = begin(s3_bucket.storage)
    if has_ended:
        s3_bucket.storage.multipart.abort(KEY, multipart_id)

    def failing(method: str, path: str, status: int, body: bytes) -> tuple[int, bytes]:
        return (500, INTERNAL_ERROR) if method == "POST" else (status, body)

    with header_proxy(s3_bucket.server.endpoint_url, rewrite=failing) as url:
        there = s3_storage(s3_bucket.settings.model_copy(update={"s3_endpoint_url": url}))
        with pytest.raises(expected):
            there.multipart.complete(KEY, multipart_id, [])
