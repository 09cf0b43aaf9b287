"""Our presigned PUT URLs are equal to those of boto3."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config

from broker.config import Settings
from broker.domain.put_request import put_object_request, upload_part_request
from broker.storage.factory import s3_storage

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


def both(endpoint: str | None, addressing: str, ours: Any, operation: str, theirs: Any) -> Any:
    """Sign one request with our signer and with boto3 at the same time."""
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
    signed = s3_storage(settings).presigner.presign_put(ours, NOW)
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
        parameters = {"Bucket": "media-bucket", "Key": KEY, **theirs}
        url = client.generate_presigned_url(operation, Params=parameters, ExpiresIn=3600)
    return signed, url


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
    signed, url = both(endpoint, addressing, ours, "put_object", theirs)
    assert canonical(signed.url) == canonical(url)
    assert "Content-Length" not in signed.headers
    names = "cache-control%3Bcontent-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-acl"
    assert f"X-Amz-SignedHeaders={names}" in signed.url


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("checksum", [None, DIGEST])
@pytest.mark.parametrize("size", [None, 8388608])
def test_a_part_url_equals_that_of_boto3(
    endpoint: str | None, checksum: str | None, size: int | None
) -> None:
    ours = upload_part_request(
        object_key=KEY,
        multipart_id="abc/+=~ d",
        part_number=17,
        size=size,
        checksum_sha256=checksum,
        expires_in=3600,
    )
    theirs: dict[str, Any] = {"UploadId": "abc/+=~ d", "PartNumber": 17}
    if size:
        theirs["ContentLength"] = size
    if checksum:
        theirs["ChecksumSHA256"] = checksum
    signed, url = both(endpoint, "path", ours, "upload_part", theirs)
    assert canonical(signed.url) == canonical(url)
