"""The two buckets that histories run on, seen alike: one in this process, one on a real server."""

from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
import httpx

from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.post_policy import PostForm
from broker.domain.put_request import PutRequest
from broker.storage.protocol import Presigner, Storage
from tests.faults.invariants import Listing, S3Listing
from tests.fuzz.fake_bucket import FakeBucket, end_of
from tests.servers.fixtures import Bucket

TAKEN, REFUSED = (200, 201), (400, 403, 404, 412)


class World(Listing, Protocol):
    """A bucket as its clients, as whoever goes past the broker, and as the checker see it."""

    storage: Storage

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        """Send a form or a PUT as of the history's own time; False where it is refused."""

    def forge(self, key: str, data: bytes) -> None:
        """Put an object there past the broker, its forms and its URLs."""

    def clear(self) -> None:
        """Forget every object."""


class FakeWorld:
    """FakeBucket."""

    def __init__(self) -> None:
        self.fake = FakeBucket()
        self.storage: Storage = self.fake

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        if isinstance(sent, PresignedPost):
            return self.fake.post(sent, data, now)
        return self.fake.put(sent, data, now)

    def forge(self, key: str, data: bytes) -> None:
        self.fake.write(key, data, {}, None)

    def clear(self) -> None:
        self.fake.objects.clear()
        self.fake.multipart.begun.clear()

    def objects(self) -> dict[str, tuple[int, str]]:
        return {key: (head.content_length, head.etag) for key, head in self.fake.objects.items()}

    def begun(self, prefix: str) -> list[str]:
        found = self.fake.multipart.begun.items()
        return [multipart_id for multipart_id, one in found if one.key.startswith(prefix)]

    def has_parts(self, key: str, multipart_id: str) -> bool:
        return bool(self.fake.multipart.begun[multipart_id].parts)


class Remembering:
    """Signs, and remembers of which request a URL is, so that it can be signed anew."""

    def __init__(self, inner: Presigner) -> None:
        self.bucket_url = inner.bucket_url
        self.inner = inner
        self.asked: dict[str, PutRequest] = {}

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        return self.inner.presign_post(form, now)

    def presign_put(self, request: PutRequest, now: datetime) -> PresignedPut:
        put = self.inner.presign_put(request, now)
        self.asked[put.url] = request
        return put


class RealWorld(S3Listing):
    """A bucket on a server. Its clock is the machine's, so the history's end of a form or URL is
    ours; and a URL, which names its beginning, is signed anew for the moment when it is sent.
    """

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.storage)
        self.presigner = Remembering(bucket.storage.presigner)
        self.storage: Any = bucket.storage
        self.storage.presigner = self.presigner
        self.client: Any = boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)
        self.http = httpx.Client(timeout=20, verify=False)

    def send(self, sent: PresignedPost | PresignedPut, data: bytes, now: datetime) -> bool:
        if now >= end_of(sent):
            return False
        if isinstance(sent, PresignedPost):
            answer = self.http.post(sent.url, data=sent.fields, files={"file": ("x", data)})
        else:
            request = self.presigner.asked[sent.url]
            put = self.presigner.inner.presign_put(request, datetime.now(UTC))
            answer = self.http.put(put.url, content=data, headers=put.headers)
        assert answer.status_code in (*TAKEN, *REFUSED), answer.text
        return answer.status_code in TAKEN

    def forge(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.storage.bucket, Key=key, Body=data)

    def clear(self) -> None:
        for key in self.objects():
            self.storage.delete(key)
