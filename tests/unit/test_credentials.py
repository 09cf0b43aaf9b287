"""Temporary credentials: their token is signed, and they are refreshed before they expire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import botocore.session
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

from broker.config import Settings
from broker.domain.post_policy import PostForm, post_form
from broker.domain.storage_errors import StorageDenied, StorageError, StorageUnavailable
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


def metadata(name: str, minutes: int) -> dict[str, str]:
    return {
        "access_key": name,
        "secret_key": "secret",
        "token": f"token-of-{name}",
        "expiry_time": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
    }


def storage_with(minutes_left: int, refresh: Callable[[], dict[str, str]]) -> S3Storage:
    """Return a storage with credentials that expire soon and are renewed by `refresh`."""
    core = botocore.session.get_session()
    core._credentials = RefreshableCredentials.create_from_metadata(
        metadata("LAPSING", minutes_left), refresh, "sts"
    )
    settings = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret=SECRET)
    return s3_storage(settings, boto3.Session(botocore_session=core, region_name="us-east-1"))


def form_until(end: datetime) -> PostForm:
    return post_form(
        object_key="media/ads/ad_1/a_b.jpg",
        content_type="image/jpeg",
        cache_control="public",
        min_size=1,
        max_size=1,
        checksum_sha256=None,
        upload_id="u",
        acl=None,
        expires_at=end,
    )


def test_expiring_credentials_are_refreshed_before_a_form_is_signed() -> None:
    now = datetime.now(UTC)
    asked = []

    def refresh() -> dict[str, str]:
        asked.append(1)
        return metadata("FRESH", 60)

    storage = storage_with(5, refresh)
    form = form_until(now + timedelta(seconds=300))
    for _ in range(2):
        fields = storage.presigner.presign_post(form, now).fields
        assert fields["x-amz-credential"].startswith("FRESH/")
        assert fields["x-amz-security-token"] == "token-of-FRESH"
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", StorageDenied),
        (400, "ExpiredTokenException", StorageDenied),
        (503, "ServiceUnavailable", StorageUnavailable),
        (None, None, StorageDenied),
    ],
)
def test_credentials_that_cannot_be_refreshed_raise_the_brokers_own_error(
    status: int | None, code: str | None, error: type[StorageError]
) -> None:
    """For example if STS refuses the role of a pod, or the clock of this machine is wrong."""

    def refresh() -> dict[str, str]:
        if status is None:
            return metadata("STALE", -5)
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "AssumeRoleWithWebIdentity")  # type: ignore[arg-type]

    storage, now = storage_with(-1, refresh), datetime.now(UTC)
    with pytest.raises(error):
        storage.presigner.presign_post(form_until(now), now)
    with pytest.raises(error):
        storage.head("media/ads/ad_1/a_b.jpg")
