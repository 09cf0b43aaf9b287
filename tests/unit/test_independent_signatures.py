"""The minio package, which shares no code with boto3 or the broker, makes the same signatures."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from minio.credentials.credentials import Credentials as MinioCredentials
from minio.signer import post_presign_v4, presign_v4, sign_v4_s3

from broker.domain.post_policy import PostForm
from broker.domain.put_request import PartRequest, PartsRequest
from broker.storage.signed_urls import sign_get, sign_parts
from broker.storage.sigv4 import Credentials, Signer, sign_head, sign_post

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)
REGION = "eu-central-1"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # noqa: S105 - of AWS's documentation
TOKEN = "session/token+of=sts"  # noqa: S105
KEYS = ["media/ads/ad_1/main_Zt41bQ9c.jpg", "media/a b+ü~(1)'*.jpg"]
BUCKET_URL = "https://s3.example.net/media-bucket"


def ours(token: str | None = None) -> Signer:
    credentials = Credentials(
        access_key_id="AKIDEXAMPLE", secret_access_key=SECRET, session_token=token
    )
    return Signer(region=REGION, credentials=credentials, now=NOW)


def theirs(token: str | None = None) -> MinioCredentials:
    return MinioCredentials("AKIDEXAMPLE", SECRET, token)


def presigned_by_minio(method: str, path: str, query: str, expires: int) -> str:
    url = urlsplit(f"https://s3.example.net{path}?{query}")
    signed = presign_v4(
        method=method, url=url, region=REGION, credentials=theirs(), date=NOW, expires=expires
    )
    return signature(signed.geturl())


def signature(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["X-Amz-Signature"]


@pytest.mark.parametrize("key", KEYS)
def test_a_policy_has_the_signature_that_the_minio_package_makes(key: str) -> None:
    form = PostForm(
        fields={"key": key, "Content-Type": "image/jpeg", "x-amz-meta-upload-id": "u"},
        min_size=5,
        max_size=5,
        expires_at=NOW + timedelta(seconds=300),
    )
    fields = sign_post(form, bucket="media-bucket", signer=ours())
    assert fields["x-amz-signature"] == post_presign_v4(fields["policy"], SECRET, NOW, REGION)


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("key", KEYS)
def test_a_head_has_the_authorization_that_the_minio_package_makes(
    key: str, token: str | None
) -> None:
    path, headers = sign_head(
        bucket_path="/media-bucket", host="s3.example.net", object_key=key, signer=ours(token)
    )
    made = sign_v4_s3(
        method="HEAD",
        url=urlsplit(f"https://s3.example.net{path}"),
        region=REGION,
        headers={name: value for name, value in headers.items() if name != "Authorization"},
        credentials=theirs(token),
        content_sha256=headers["x-amz-content-sha256"],
        date=NOW,
    )
    assert headers["Authorization"] == made["Authorization"]


@pytest.mark.parametrize("key", KEYS)
def test_a_url_for_a_download_has_the_signature_that_the_minio_package_makes(key: str) -> None:
    query = {"response-content-type": "application/pdf", "response-cache-control": "no-store"}
    url = sign_get(key, query=query, expires_in=300, bucket_url=BUCKET_URL, signer=ours())
    quoted = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    path = f"/media-bucket/{quote(key, safe='/~')}"
    assert signature(url) == presigned_by_minio("GET", path, quoted, 300)


@pytest.mark.parametrize("key", KEYS)
def test_a_url_for_a_part_has_the_signature_that_the_minio_package_makes(key: str) -> None:
    request = PartsRequest(
        object_key=key,
        multipart_id="up/load+id==",
        parts=[PartRequest(part_number=7, size=None, checksum_sha256=None)],
        expires_in=900,
    )
    (url,) = sign_parts(request, bucket_url=BUCKET_URL, signer=ours())
    query = f"partNumber=7&uploadId={quote('up/load+id==', safe='')}"
    path = f"/media-bucket/{quote(key, safe='/~')}"
    assert signature(url) == presigned_by_minio("PUT", path, query, 900)
