"""Presigned URLs of private files are equal to those of boto3, and exist for private keys only."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.config import Config

from broker.config import Settings
from broker.storage.factory import s3_storage
from broker.storage.private_reader import PrivateReader

NOW = datetime(2026, 11, 23, 9, 30, 15, 654321, tzinfo=UTC)
KEY = "private/invoices/order_7/rechnung~ü_Zt41bQ9c.pdf"
KEYS = {"private_access_key_id": "AKIDPRIVATE", "private_secret_access_key": "secret/of+reading"}
DISPOSITION = "attachment; filename=\"Uber _a_.pdf\"; filename*=UTF-8''%C3%9Cber%20%22a%22.pdf"


@pytest.fixture(autouse=True)
def key_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDAPI")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-api")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-of-the-api")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def settings(**changes: str | None) -> Settings:
    values = {"s3_public_url": "https://s3.example.net", **KEYS, **changes}
    return Settings(
        database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="s" * 32, **values
    )


def reader(**changes: str | None) -> PrivateReader:
    made = s3_storage(settings(**changes)).private_reader
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("endpoint", "addressing"),
    [
        (None, "path"),
        (None, "virtual"),
        ("https://s3.example.net", "path"),
        ("https://s3.example.net:443", "virtual"),
        ("http://127.0.0.1:9000", "path"),
    ],
)
def test_a_url_equals_that_of_boto3_with_the_second_key(
    endpoint: str | None, addressing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = reader(s3_public_url=endpoint, s3_addressing=addressing).url(
        KEY, file_name='Über "a".pdf', content_type="application/pdf", now=NOW
    )
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEYS["private_access_key_id"],
        aws_secret_access_key=KEYS["private_secret_access_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": addressing}),
    )
    naive = NOW.replace(tzinfo=None)
    with (
        patch("botocore.auth.get_current_datetime", return_value=naive),
        patch("botocore.signers.get_current_datetime", return_value=naive),
    ):
        parameters = {
            "Bucket": "media-bucket",
            "Key": KEY,
            "ResponseCacheControl": "private, no-store",
            "ResponseContentDisposition": DISPOSITION,
            "ResponseContentType": "application/pdf",
        }
        url = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=300)
    ours, theirs = (urlsplit(one) for one in (signed.url, url))
    assert (ours.netloc, ours.path) == (theirs.netloc, theirs.path)
    assert sorted(ours.query.split("&")) == sorted(theirs.query.split("&"))


def test_it_works_for_300_seconds_from_the_whole_second_of_its_signature() -> None:
    signed = reader().url(KEY, file_name="a.pdf", content_type="application/pdf", now=NOW)
    query = dict(parse_qsl(urlsplit(signed.url).query))
    assert query["X-Amz-Expires"] == "300"
    assert query["X-Amz-Date"] == "20261123T093015Z"
    assert signed.expires_at == datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC) + timedelta(
        seconds=300
    )


def test_a_file_without_a_name_is_downloaded_under_that_of_its_key() -> None:
    signed = reader().url(KEY, file_name=None, content_type="application/pdf", now=NOW)
    query = dict(parse_qsl(urlsplit(signed.url).query))
    assert 'filename="rechnung~u_Zt41bQ9c.pdf"' in query["response-content-disposition"]


@pytest.mark.parametrize(
    "key",
    ["media/ads/ad_1/main_a.jpg", "incoming/invoices/order_7/a.pdf", "privates/a.pdf", "private"],
)
def test_a_key_that_is_not_private_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not below private/"):
        reader().url(key, file_name="a.pdf", content_type="application/pdf", now=NOW)


def test_without_the_second_key_there_is_no_reader() -> None:
    without = settings(private_access_key_id="", private_secret_access_key="")
    assert s3_storage(without).private_reader is None
