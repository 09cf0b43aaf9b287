"""Each S3 server enforces the policy of a ticket's form; moto enforces nothing.

A refusal is 400 or 403: which of them, and with which code, differs and does not matter.

The number in a test's name is the number of the case.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from broker.domain.object_head import PresignedPost
from broker.domain.post_policy import post_form
from broker.domain.storage_errors import ObjectNotFound
from tests.servers.fixtures import Bucket

DATA = b"\xff\xd8\xff\xe0" + b"a photo" * 100
KEY = "media/ads/ad_1/main_Zt41bQ9c.jpg"
UPLOAD_ID = "01990000-0000-7000-8000-000000000001"


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def form(bucket: Bucket, **changes: Any) -> PresignedPost:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "object_key": KEY,
        "content_type": "image/jpeg",
        "cache_control": "public, max-age=86400",
        "min_size": len(DATA),
        "max_size": len(DATA),
        "checksum_sha256": digest(DATA),
        "upload_id": UPLOAD_ID,
        "acl": None,
        "expires_at": now + timedelta(seconds=300),
    }
    return bucket.storage.presigner.presign_post(post_form(**{**values, **changes}), now)


def send(post: PresignedPost, data: bytes = DATA, **changes: str) -> httpx.Response:
    fields = {**post.fields, **changes}
    return httpx.post(post.url, data=fields, files={"file": ("x", data)}, timeout=20)


def refused(bucket: Bucket, answer: httpx.Response) -> None:
    assert answer.status_code in (400, 403), answer.text
    with pytest.raises(ObjectNotFound):
        bucket.storage.head(KEY)


def test_the_form_as_issued_is_accepted_and_head_shows_what_was_declared(
    any_bucket: Bucket,
) -> None:
    assert send(form(any_bucket)).status_code == 201
    head = any_bucket.storage.head(KEY)
    assert head.content_length == len(DATA)
    assert head.content_type == "image/jpeg"
    server = any_bucket.settings.server
    assert head.checksum_sha256 == (digest(DATA) if server.returns_digests else None)
    assert head.metadata["upload-id"] == UPLOAD_ID
    assert head.etag == hashlib.md5(DATA).hexdigest()
    public = httpx.get(any_bucket.storage.media_url + "/" + KEY.removeprefix("media/"))
    assert public.content == DATA
    if server.form_keeps_headers:
        assert public.headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize("key", ["media/ads/ad_2/x.jpg", "media/ads/ad_10/x.jpg", KEY + "x"])
def test_case_09_10_another_key(any_bucket: Bucket, key: str) -> None:
    refused(any_bucket, send(form(any_bucket), key=key))
    with pytest.raises(ObjectNotFound):
        any_bucket.storage.head(key)


@pytest.mark.parametrize("data", [DATA + b"x", DATA[:-1]], ids=["longer", "shorter"])
def test_case_11_another_length(any_bucket: Bucket, data: bytes) -> None:
    refused(any_bucket, send(form(any_bucket), data))


def test_case_12_an_empty_body(any_bucket: Bucket) -> None:
    refused(any_bucket, send(form(any_bucket), b""))


def test_case_13_another_content_type(any_bucket: Bucket) -> None:
    refused(any_bucket, send(form(any_bucket), **{"Content-Type": "text/html"}))


def test_case_14_other_bytes_of_the_same_length(any_bucket: Bucket) -> None:
    answer = send(form(any_bucket), bytes(reversed(DATA)))
    if any_bucket.settings.server.proves_digests:
        refused(any_bucket, answer)
    else:
        assert answer.status_code == 201  # the worker compares the digest


def test_case_14_other_bytes_with_their_own_digest(any_bucket: Bucket) -> None:
    other = bytes(reversed(DATA))
    answer = send(form(any_bucket), other, **{"x-amz-checksum-sha256": digest(other)})
    refused(any_bucket, answer)


def test_case_15_an_expired_policy(any_bucket: Bucket) -> None:
    past = datetime.now(UTC) - timedelta(seconds=2)
    answer = send(form(any_bucket, expires_at=past))
    assert "expired" in answer.text.lower()
    refused(any_bucket, answer)


@pytest.mark.parametrize("field", ["x-amz-meta-foo", "x-amz-acl", "x-amz-tagging"])
def test_a_field_that_no_condition_covers_is_refused(any_bucket: Bucket, field: str) -> None:
    refused(any_bucket, send(form(any_bucket), **{field: "public-read"}))


def test_another_signature_is_refused(any_bucket: Bucket) -> None:
    refused(any_bucket, send(form(any_bucket), **{"x-amz-signature": "0" * 64}))


def test_anonymous_clients_cannot_read_below_incoming(any_bucket: Bucket) -> None:
    post = form(any_bucket, object_key="incoming/ads/ad_1/x.jpg", checksum_sha256=None)
    assert send(post).status_code == 201
    assert httpx.get(f"{post.url}/incoming/ads/ad_1/x.jpg").status_code == 403
