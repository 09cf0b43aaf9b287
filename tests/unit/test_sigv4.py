"""Our POST signer gives the same fields as boto3."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config

from broker.config import Settings
from broker.domain.post_policy import post_form
from broker.storage.factory import s3_storage
from broker.storage.sigv4 import signing_key

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)
SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


def canonical(policy: str) -> tuple[str, list[str]]:
    document = json.loads(base64.b64decode(policy))
    conditions: list[Any] = document["conditions"]
    return document["expiration"], sorted(json.dumps(one, sort_keys=True) for one in conditions)


@pytest.mark.parametrize("endpoint", [None, "https://s3.example.net"])
@pytest.mark.parametrize("addressing", ["path", "virtual"])
@pytest.mark.parametrize("token", [None, "session/token+of=sts"])
@pytest.mark.parametrize("checksum", [None, "x" * 43 + "="])
def test_a_form_equals_that_of_boto3(
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str | None,
    addressing: str,
    token: str | None,
    checksum: str | None,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        s3_endpoint_url=endpoint,
        s3_addressing=addressing,
        jwt_secret=SECRET,
    )
    form = post_form(
        object_key="media/ads/ad_1/main_Zt41bQ9c.jpg",
        content_type="image/jpeg",
        cache_control="public, max-age=86400",
        min_size=1234,
        max_size=1234,
        checksum_sha256=checksum,
        upload_id="01990000-0000-7000-8000-000000000001",
        acl="public-read",
        expires_at=NOW + timedelta(seconds=300),
    )
    ours = s3_storage(settings).presigner.presign_post(form, NOW)

    client = boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        config=Config(signature_version="s3v4", s3={"addressing_style": addressing}),
    )
    with (
        patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)),
        patch("botocore.signers.get_current_datetime", return_value=NOW.replace(tzinfo=None)),
    ):
        conditions = [
            one for one in form.conditions("media-bucket") if not {"bucket", "key"} & set(one)
        ]
        fields = {name: value for name, value in form.fields.items() if name != "key"}
        theirs = client.generate_presigned_post(
            "media-bucket", form.fields["key"], fields, conditions, ExpiresIn=300
        )

    assert ours.url == theirs["url"]
    computed = {"policy", "x-amz-signature"}
    assert {k: v for k, v in ours.fields.items() if k not in computed} == {
        k: v for k, v in theirs["fields"].items() if k not in computed
    }
    assert canonical(ours.fields["policy"]) == canonical(theirs["fields"]["policy"])
    # The policies differ only in their order. For the same policy the signatures are equal.
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20261123", "eu-central-1").copy()
    key.update(theirs["fields"]["policy"].encode())
    assert theirs["fields"]["x-amz-signature"] == key.hexdigest()


def test_the_signing_key_of_a_day_is_derived_once() -> None:
    signing_key.cache_clear()
    for _ in range(3):
        signing_key("secret", "20261123", "us-east-1")
    assert signing_key.cache_info().misses == 1
