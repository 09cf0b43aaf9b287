"""The two buckets that histories run on, seen alike: one in this process, one on a real server."""

from datetime import datetime
from typing import Any, Protocol

import boto3
import httpx

from broker.domain.object_head import PresignedPost
from broker.storage.protocol import Storage
from tests.faults.invariants import Listing, S3Listing
from tests.fuzz.fake_bucket import FakeBucket, end_of
from tests.servers.fixtures import Bucket


class World(Listing, Protocol):
    """A bucket as its clients, as whoever goes past the broker, and as the checker see it."""

    storage: Storage

    def send(self, form: PresignedPost, data: bytes, now: datetime) -> bool:
        """Send a form as of the history's own time; False where it is refused."""

    def forge(self, key: str, data: bytes) -> None:
        """Put an object there past the broker and its forms."""

    def clear(self) -> None:
        """Forget every object."""


class FakeWorld:
    """FakeBucket."""

    def __init__(self) -> None:
        self.fake = FakeBucket()
        self.storage: Storage = self.fake

    def send(self, form: PresignedPost, data: bytes, now: datetime) -> bool:
        return self.fake.post(form, data, now)

    def forge(self, key: str, data: bytes) -> None:
        self.fake.put(key, data, {}, None)

    def clear(self) -> None:
        self.fake.objects.clear()

    def objects(self) -> dict[str, tuple[int, str]]:
        return {
            key: (len(stored.data), stored.head.etag) for key, stored in self.fake.objects.items()
        }

    def begun(self, prefix: str) -> list[str]:
        return []

    def has_parts(self, key: str, multipart_id: str) -> bool:
        return False


class RealWorld(S3Listing):
    """A bucket on a server. Its clock is the machine's, so the history's end of a form is ours."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.storage)
        self.storage: Storage = bucket.storage
        self.client: Any = boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)
        self.http = httpx.Client(timeout=20, verify=False)

    def send(self, form: PresignedPost, data: bytes, now: datetime) -> bool:
        if now >= end_of(form):
            return False
        answer = self.http.post(form.url, data=form.fields, files={"file": ("x", data)})
        assert answer.status_code in (201, 400, 403), answer.text
        return answer.status_code == 201

    def forge(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.storage.bucket, Key=key, Body=data)

    def clear(self) -> None:
        for key in self.objects():
            self.storage.delete(key)
