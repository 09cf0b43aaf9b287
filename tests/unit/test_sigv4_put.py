"""Our presigned PUT URLs are equal to those of boto3."""

from datetime import UTC, datetime
from itertools import product
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config

from broker.config import Settings
from broker.domain.put_request import PartRequest, PartsRequest, put_object_request
from broker.storage.factory import s3_storage
from broker.storage.presigner import S3Presigner

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)
SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"
KEY = "media/ads/ad_1/main image~ü_Zt41bQ9c.jpg"
DIGEST = "x" * 43 + "="
UPLOAD_ID = "01990000-0000-7000-8000-000000000001"


@pytest.fixture(params=[None, "session/token+of=sts"], ids=["key", "session"])
def credentials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    if request.param:
        monkeypatch.setenv("AWS_SESSION_TOKEN", request.param)


def presigner_at(endpoint: str | None, addressing: str = "path") -> S3Presigner:
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        s3_endpoint_url="http://internal:9000",
        s3_public_url=endpoint,
        s3_addressing=addressing,
        jwt_secret=SECRET,
    )
    if endpoint is None:
        settings = settings.model_copy(update={"s3_endpoint_url": None})
    return s3_storage(settings).presigner


def of_boto3(operation: str, endpoint: str | None, addressing: str = "path", **values: Any) -> str:
    """Return boto3's URL of the same time."""
    client = boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        config=Config(signature_version="s3v4", s3={"addressing_style": addressing}),
    )
    naive = NOW.replace(tzinfo=None)
    with (
        patch("botocore.auth.get_current_datetime", return_value=naive),
        patch("botocore.signers.get_current_datetime", return_value=naive),
    ):
        parameters = {"Bucket": "media-bucket", "Key": KEY, **values}
        return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=3600)


def canonical(url: str) -> tuple[str, list[str]]:
    """Split a URL with its query sorted, because S3 sorts it before it checks the signature."""
    base, _, query = url.partition("?")
    return base, sorted(query.split("&"))


ADDRESS = "http://127.0.0.1:9000"  # an IP address has no subdomains for virtual addressing
ENDPOINTS = [None, "https://s3.example.net", ADDRESS, "https://s3.example.net:443"]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("endpoint", "addressing"),
    [
        *((endpoint, "path") for endpoint in ENDPOINTS),
        *((endpoint, "virtual") for endpoint in ENDPOINTS if endpoint != ADDRESS),
    ],
)
@pytest.mark.parametrize("checksum", [None, DIGEST])
def test_a_put_url_equals_that_of_boto3(
    endpoint: str | None, addressing: str, checksum: str | None
) -> None:
    ours = put_object_request(
        object_key=KEY,
        content_type="image/jpeg",
        cache_control="public, max-age=86400",
        size=1234,
        checksum_sha256=checksum,
        upload_id=UPLOAD_ID,
        acl="public-read",
        expires_in=3600,
    )
    theirs = {
        "ContentType": "image/jpeg",
        "CacheControl": "public, max-age=86400",
        "ContentLength": 1234,
        "IfNoneMatch": "*",
        "Metadata": {"upload-id": UPLOAD_ID},
        "ACL": "public-read",
    }
    if checksum:
        theirs["ChecksumSHA256"] = checksum
    signed = presigner_at(endpoint, addressing).presign_put(ours, NOW)
    url = of_boto3("put_object", endpoint, addressing, **theirs)
    assert canonical(signed.url) == canonical(url)
    assert "Content-Length" not in signed.headers
    names = "cache-control%3Bcontent-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-acl"
    assert f"X-Amz-SignedHeaders={names}" in signed.url


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_part_url_of_a_call_equals_that_of_boto3(endpoint: str | None) -> None:
    multipart_id, digests, sizes = "abc/+=~ d", [None, DIGEST, "y" * 43 + "="], [None, 8388608, 5]
    parts = [
        PartRequest(part_number=number, size=size, checksum_sha256=checksum)
        for number, (size, checksum) in enumerate(product(sizes, digests), start=8)
    ]
    request = PartsRequest(object_key=KEY, multipart_id=multipart_id, parts=parts, expires_in=3600)
    signed = presigner_at(endpoint).presign_parts(request, NOW)
    assert len(signed) == len(parts) == 9
    for put, part in zip(signed, parts, strict=True):
        theirs: dict[str, Any] = {"UploadId": multipart_id, "PartNumber": part.part_number}
        if part.size:
            theirs["ContentLength"] = part.size
        if part.checksum_sha256:
            theirs["ChecksumSHA256"] = part.checksum_sha256
        assert canonical(put.url) == canonical(of_boto3("upload_part", endpoint, **theirs))
        pinned = {"x-amz-checksum-sha256": part.checksum_sha256} if part.checksum_sha256 else {}
        assert put.headers == pinned
