"""Temporary credentials: their token is signed, and they are refreshed before they lapse."""

from datetime import UTC, datetime, timedelta

import boto3
import botocore.session
from botocore.credentials import RefreshableCredentials

from broker.config import Settings
from broker.domain.post_policy import post_form
from broker.storage.factory import s3_storage

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


def test_credentials_about_to_lapse_are_refreshed_before_a_form_is_signed() -> None:
    now = datetime.now(UTC)
    asked = []

    def metadata(name: str, minutes: int) -> dict[str, str]:
        return {
            "access_key": name,
            "secret_key": "secret",
            "token": f"token-of-{name}",
            "expiry_time": (now + timedelta(minutes=minutes)).isoformat(),
        }

    def refresh() -> dict[str, str]:
        asked.append(1)
        return metadata("FRESH", 60)

    core = botocore.session.get_session()
    core._credentials = RefreshableCredentials.create_from_metadata(
        metadata("LAPSING", 5), refresh, "sts"
    )
    settings = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret=SECRET)
    storage = s3_storage(settings, boto3.Session(botocore_session=core, region_name="us-east-1"))
    form = post_form(
        object_key="media/ads/ad_1/a_b.jpg",
        content_type="image/jpeg",
        cache_control="public",
        min_size=1,
        max_size=1,
        checksum_sha256=None,
        upload_id="u",
        acl=None,
        expires_at=now + timedelta(seconds=300),
    )
    for _ in range(2):
        fields = storage.presigner.presign_post(form, now).fields
        assert fields["x-amz-credential"].startswith("FRESH/")
        assert fields["x-amz-security-token"] == "token-of-FRESH"
    assert len(asked) == 1
