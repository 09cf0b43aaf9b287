"""Tickets with virtual-hosted addressing, on a server that checks the signed host.

The host name does not resolve. Requests go to the server's address with the signed Host.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from broker.domain.object_head import PresignedPut
from broker.domain.post_policy import post_form
from broker.domain.put_request import PartRequest, PartsRequest, put_object_request
from broker.storage.factory import s3_storage
from broker.storage.presigner import S3Presigner
from tests.http.part_uploads import digest
from tests.servers import S3Server
from tests.servers.fixtures import Bucket, make_bucket
from tests.servers.minio import DOMAIN

KEY = "media/ads/ad_1/main_Zt41bQ9c.jpg"
DATA = b"\xff\xd8\xff" + b"photo" * 100


@pytest.fixture
def bucket(minio_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return make_bucket(minio_server, monkeypatch)


@pytest.fixture
def presigner(bucket: Bucket) -> S3Presigner:
    """Create a presigner for a public URL that differs from the broker's own."""
    port = urlsplit(bucket.server.endpoint_url).port
    public = {"s3_public_url": f"http://{DOMAIN}:{port}", "s3_addressing": "virtual"}
    return s3_storage(bucket.settings.model_copy(update=public)).presigner


def sent(bucket: Bucket, method: str, url: str, **request: object) -> httpx.Response:
    """Send a request to the server's address with the Host of the URL."""
    parts = urlsplit(url)
    assert parts.hostname == f"{bucket.name}.{DOMAIN}"
    address = parts._replace(netloc=urlsplit(bucket.server.endpoint_url).netloc).geturl()
    headers = {"Host": parts.netloc, **request.pop("headers", {})}  # type: ignore[dict-item]
    return httpx.request(method, address, headers=headers, timeout=20, **request)  # type: ignore[arg-type]


def put(bucket: Bucket, signed: PresignedPut) -> httpx.Response:
    return sent(bucket, "PUT", signed.url, headers=signed.headers, content=DATA)


def test_a_put_is_written_once(bucket: Bucket, presigner: S3Presigner) -> None:
    request = put_object_request(
        object_key=KEY,
        content_type="image/jpeg",
        cache_control="public",
        size=len(DATA),
        checksum_sha256=digest(DATA),
        upload_id="u",
        acl=None,
        expires_in=300,
    )
    signed = presigner.presign_put(request, datetime.now(UTC))
    assert [put(bucket, signed).status_code for _ in range(2)] == [200, 412]
    assert bucket.storage.head(KEY).checksum_sha256 == digest(DATA)


def test_a_form_is_accepted(bucket: Bucket, presigner: S3Presigner) -> None:
    now = datetime.now(UTC)
    form = post_form(
        object_key=KEY,
        content_type="image/jpeg",
        cache_control="public",
        min_size=len(DATA),
        max_size=len(DATA),
        checksum_sha256=digest(DATA),
        upload_id="u",
        acl=None,
        expires_at=now.replace(year=now.year + 1),
    )
    signed = presigner.presign_post(form, now)
    files = {"file": ("x", DATA)}
    answer = sent(bucket, "POST", signed.url, data=signed.fields, files=files)
    assert answer.status_code == 201, answer.text
    assert bucket.storage.head(KEY).content_length == len(DATA)


def test_a_part_is_accepted(bucket: Bucket, presigner: S3Presigner) -> None:
    multipart = bucket.storage.multipart
    multipart_id = multipart.create(
        KEY,
        content_type="image/jpeg",
        cache_control="public",
        upload_id="u",
        acl=None,
        sha256=True,
    )
    request = PartsRequest(
        object_key=KEY,
        multipart_id=multipart_id,
        parts=[PartRequest(part_number=1, size=len(DATA), checksum_sha256=digest(DATA))],
        expires_in=300,
    )
    (signed,) = presigner.presign_parts(request, datetime.now(UTC))
    answer = put(bucket, signed)
    assert answer.status_code == 200, answer.text
    assert [part.size for part in multipart.list_parts(KEY, multipart_id)] == [len(DATA)]
