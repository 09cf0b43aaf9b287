"""The buckets that histories run on: one in this process, one on a real server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import boto3
import httpx

from broker.domain.object_head import ListedObject, ObjectHead, PresignedPost, PresignedPut
from broker.domain.post_policy import PostForm
from broker.domain.put_request import PartsRequest, PutRequest
from broker.domain.storage_errors import ObjectNotFound
from broker.storage.object_files import ObjectFiles
from broker.storage.protocol import Presigner
from tests.faults.invariants import Listing, S3Listing
from tests.fuzz.digests import md5, sha256
from tests.fuzz.fake_bucket import FakeBucket, end_of, signed_headers
from tests.servers.fixtures import Bucket

TAKEN, REFUSED = (200, 201), (400, 403, 404, 412)


class HistoryBucket(Listing, Protocol):
    """The bucket operations that a history needs: of the client, the attacker and the checks."""

    storage: Any
    files: Any  # what a worker reads and writes objects with
    hidden: set[str]  # keys of objects that the bucket is still completing

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        """Send a form or a PUT at the history's own time; return False if it is refused."""

    def forge(
        self, key: str, data: bytes, *, content_type: str, upload_id: str, digest: bool
    ) -> None:
        """Write an object directly, with or without a digest that S3 stores."""

    def clear(self) -> None:
        """Delete all objects."""


class InProcessBucket:
    """A bucket in this process."""

    def __init__(self) -> None:
        self.fake = FakeBucket()
        self.storage: Any = self.fake
        self.files: Any = self.fake.files
        self.hidden = self.fake.hidden

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        if isinstance(sent, PresignedPost):
            return self.fake.post(sent, data, now)
        return self.fake.put(sent, data, now)

    def forge(
        self, key: str, data: bytes, *, content_type: str, upload_id: str, digest: bool
    ) -> None:
        fields = {"Content-Type": content_type, "x-amz-meta-upload-id": upload_id}
        self.fake.write(key, data, fields, sha256(data) if digest else None)

    def forge_part(self, key: str, number: int, data: bytes, pinned: bool) -> None:
        """Write a part directly. Not on a server, because SeaweedFS would list both parts."""
        (multipart_id,) = self.begun(key)
        digest = sha256(data) if pinned else None
        assert self.fake.multipart.put(multipart_id, number, data, md5(data), digest)

    def clear(self) -> None:
        self.hidden.clear()
        self.fake.objects.clear()
        self.fake.content.clear()
        self.fake.multipart.begun.clear()

    def objects(self) -> dict[str, tuple[int, str]]:
        return {
            key: (head.content_length, head.etag)
            for key, head in self.fake.objects.items()
            if key not in self.hidden
        }

    def begun(self, prefix: str) -> list[str]:
        found = self.fake.multipart.begun.items()
        return [multipart_id for multipart_id, one in found if one.key.startswith(prefix)]

    def has_parts(self, key: str, multipart_id: str) -> bool:
        return bool(self.fake.multipart.begun[multipart_id].parts)


class RememberingPresigner:
    """A presigner that can sign each URL again."""

    def __init__(self, inner: Presigner) -> None:
        self.bucket_url = inner.bucket_url
        self.inner = inner
        self.again: dict[str, Callable[[datetime], PresignedPut]] = {}

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        return self.inner.presign_post(form, now)

    def presign_put(self, request: PutRequest, now: datetime) -> PresignedPut:
        put = self.inner.presign_put(request, now)
        self.again[put.url] = partial(self.inner.presign_put, request)
        return put

    def presign_parts(self, request: PartsRequest, now: datetime) -> list[PresignedPut]:
        puts = self.inner.presign_parts(request, now)
        for put, part in zip(puts, request.parts, strict=True):
            self.again[put.url] = partial(self.presign_part, replace(request, parts=[part]))
        return puts

    def presign_part(self, request: PartsRequest, now: datetime) -> PresignedPut:
        (put,) = self.inner.presign_parts(request, now)
        return put


class ServerBucket(S3Listing):
    """A bucket on a server.

    The server uses real time, and the history has its own time. So this class checks whether a form
    or URL has expired, and signs a URL again before it is used.
    """

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.storage)
        self.presigner = RememberingPresigner(bucket.storage.presigner)
        self.storage: Any = bucket.storage
        self.storage.presigner = self.presigner
        self.hidden: set[str] = set()
        self.storage.head = partial(self.head, bucket.storage.head)
        self.storage.delete = partial(self.delete, bucket.storage.delete)
        self.storage.list_objects = partial(self.list_objects, bucket.storage.list_objects)
        self.client: Any = boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)
        self.files: Any = ObjectFiles(self.client, bucket.storage.buckets)
        self.http = httpx.Client(timeout=20, verify=False)

    def head(self, asked: Callable[[str], ObjectHead], key: str) -> ObjectHead:
        if key in self.hidden:
            raise ObjectNotFound(key)
        return asked(key)

    def delete(self, delete: Callable[[str], None], key: str) -> None:
        if key not in self.hidden:
            delete(key)

    def list_objects(
        self, listed: Callable[[str], Iterator[ListedObject]], prefix: str
    ) -> Iterator[ListedObject]:
        return (one for one in listed(prefix) if one.key not in self.hidden)

    def objects(self) -> dict[str, tuple[int, str]]:
        return {key: one for key, one in super().objects().items() if key not in self.hidden}

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        if now >= end_of(sent):
            return False
        if isinstance(sent, PresignedPost):
            answer = self.http.post(sent.url, data=sent.fields, files={"file": ("x", data)})
        else:
            put = self.presigner.again[sent.url](datetime.now(UTC))
            answer = self.http.put(put.url, content=data, headers=signed_headers(put))
        assert answer.status_code in (*TAKEN, *REFUSED), answer.text
        return answer.status_code in TAKEN

    def forge(
        self, key: str, data: bytes, *, content_type: str, upload_id: str, digest: bool
    ) -> None:
        checked: dict[str, Any] = {"ChecksumSHA256": sha256(data)} if digest else {}
        self.client.put_object(
            Bucket=self.storage.buckets.of(key),
            Key=key,
            Body=data,
            ContentType=content_type,
            Metadata={"upload-id": upload_id},
            **checked,
        )

    def clear(self) -> None:
        self.hidden.clear()
        for key in self.objects():
            self.storage.delete(key)
