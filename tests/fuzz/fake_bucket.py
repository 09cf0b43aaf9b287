"""A bucket in this process that enforces forms and URLs, for thousands of histories.

It does not replace tests on real servers. Multipart uploads are in `fake_multipart.py`, and what a
worker reads and writes is in `fake_files.py`.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from broker.domain.object_head import ListedObject, ObjectHead, PresignedPost, PresignedPut
from broker.domain.put_request import PartRequest, PartsRequest, PutRequest
from broker.domain.storage_errors import ObjectNotFound, PreconditionFailed
from broker.storage.buckets import ByKey
from broker.storage.presigner import S3Presigner
from broker.storage.private_reader import PrivateReader
from broker.storage.sigv4 import Credentials
from tests.fuzz.digests import md5, sha256
from tests.fuzz.fake_files import FakeFiles
from tests.fuzz.fake_multipart import FakeMultipart

SIGNED_BESIDE = {"policy", "x-amz-signature"}
PAGE = 2  # a real page has 1,000 keys
URL = "http://bucket.example"


def policy_of(form: PresignedPost) -> dict[str, Any]:
    """Return the policy of a form."""
    policy: dict[str, Any] = json.loads(base64.b64decode(form.fields["policy"]))
    return policy


def query_of(put: PresignedPut) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(put.url).query))


def signed_headers(put: PresignedPut) -> dict[str, str]:
    """Return the signed headers of a URL. A client may leave out all others."""
    signed = query_of(put)["X-Amz-SignedHeaders"].split(";")
    return {name: value for name, value in put.headers.items() if name.lower() in signed}


def end_of(sent: PresignedPost | PresignedPut) -> datetime:
    """Return the time when a form or URL expires."""
    if isinstance(sent, PresignedPost):
        return datetime.fromisoformat(policy_of(sent)["expiration"])
    query = query_of(sent)
    return datetime.fromisoformat(query["X-Amz-Date"]) + timedelta(
        seconds=int(query["X-Amz-Expires"])
    )


class FakeBucket:
    """Implements `Storage`."""

    buckets = ByKey(media="media-bucket", incoming="media-bucket")
    media_url = f"{URL}/media"

    def __init__(self) -> None:
        self.objects: dict[str, ObjectHead] = {}
        self.content: dict[str, bytes] = {}
        self.hidden: set[str] = set()
        self.multipart = FakeMultipart(self.objects, self.content)
        self.files = FakeFiles(self)
        self.presigner = S3Presigner(
            buckets=self.buckets,
            region="us-east-1",
            credentials=lambda: Credentials(access_key_id="AKID", secret_access_key="x" * 40),
            bucket_urls=ByKey(media=URL, incoming=URL),
        )
        self.private_reader = PrivateReader(
            region="us-east-1",
            credentials=Credentials(access_key_id="AKID2", secret_access_key="y" * 40),
            bucket_url=URL,
        )

    def head(self, key: str) -> ObjectHead:
        if key not in self.objects or key in self.hidden:
            raise ObjectNotFound(key)
        return self.objects[key]

    def delete(self, key: str) -> None:
        if key not in self.hidden:
            self.objects.pop(key, None)

    def copy(
        self,
        source_key: str,
        key: str,
        *,
        source: ObjectHead,
        cache_control: str,
        acl: str | None = None,
    ) -> str:
        if self.head(source_key).etag != source.etag:
            raise PreconditionFailed(source_key)
        # The copy is one object, so it does not have the ETag of an object of several parts.
        etag = md5(source.etag.encode()) if "-" in source.etag else source.etag
        self.objects[key] = replace(self.objects[source_key], etag=etag)
        self.content[key] = self.content[source_key]
        return etag

    def list_objects(self, prefix: str) -> Iterator[ListedObject]:
        """Yield the objects in the order of their keys, as they are when each page is asked for."""
        last = ""
        while page := self._page(prefix, last):
            last = page[-1].key
            yield from page

    def _page(self, prefix: str, after: str) -> list[ListedObject]:
        keys = sorted(
            key
            for key in self.objects.keys() - self.hidden
            if key.startswith(prefix) and key > after
        )
        return [
            ListedObject(
                key=key,
                size=self.objects[key].content_length,
                etag=self.objects[key].etag,
                last_modified=datetime.now(UTC),
            )
            for key in keys[:PAGE]
        ]

    def check(self) -> None:
        """Do nothing: the bucket exists."""

    def post(self, form: PresignedPost, data: bytes, now: datetime) -> bool:
        """Accept a form as S3 does; return False if its policy refuses it."""
        if now >= end_of(form):
            return False
        fields = {k: v for k, v in form.fields.items() if k not in SIGNED_BESIDE}
        for condition in policy_of(form)["conditions"]:
            if isinstance(condition, list):
                _, low, high = condition
                if not low <= len(data) <= high:
                    return False
            else:
                ((name, value),) = condition.items()
                if name != "bucket" and fields.pop(name) != value:
                    return False
        pinned = form.fields.get("x-amz-checksum-sha256")
        if fields or pinned not in (None, sha256(data)):
            return False
        self.write(form.fields["key"], data, form.fields, pinned)
        return True

    def put(self, put: PresignedPut, data: bytes, now: datetime) -> bool:
        """Accept a PUT of an object or a part as S3 does: sign the request and compare.

        The request has only the headers that the client must send.
        """
        query, headers = query_of(put), signed_headers(put)
        if now >= end_of(put):
            return False
        sized = "content-length" in query["X-Amz-SignedHeaders"].split(";")
        key = unquote(urlsplit(put.url).path).removeprefix("/")
        signed_at, lives = datetime.fromisoformat(query["X-Amz-Date"]), int(query["X-Amz-Expires"])
        pinned = headers.get("x-amz-checksum-sha256")
        if "uploadId" in query:
            part = PartRequest(
                part_number=int(query["partNumber"]),
                size=len(data) if sized else None,
                checksum_sha256=pinned,
            )
            parts = PartsRequest(
                object_key=key, multipart_id=query["uploadId"], parts=[part], expires_in=lives
            )
            (expected,) = self.presigner.presign_parts(parts, signed_at)
        else:
            request = PutRequest(
                object_key=key, headers=headers, content_length=len(data), expires_in=lives
            )
            expected = self.presigner.presign_put(request, signed_at)
        if expected.url != put.url:
            return False
        if pinned not in (None, sha256(data)):
            return False
        if "uploadId" in query:
            return self.multipart.put(
                query["uploadId"], int(query["partNumber"]), data, md5(data), pinned
            )
        if headers.get("If-None-Match") == "*" and key in self.objects:
            return False
        self.write(key, data, headers, pinned)
        return True

    def write(self, key: str, data: bytes, fields: dict[str, str], pinned: str | None) -> None:
        """Write an object without any check."""
        self.content[key] = data
        self.objects[key] = ObjectHead(
            content_length=len(data),
            content_type=fields.get("Content-Type", "binary/octet-stream"),
            etag=md5(data),
            checksum_sha256=pinned,
            metadata={"upload-id": fields.get("x-amz-meta-upload-id", "")},
        )
