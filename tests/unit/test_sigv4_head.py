"""Our HeadObject signer gives the same headers as botocore."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from broker.storage.sigv4 import Credentials, Signer, sign_head

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize("token", [None, "session/token+of=sts"])
@pytest.mark.parametrize(
    ("host", "bucket_path"),
    [("127.0.0.1:8333", "/media-bucket"), ("media-bucket.s3.eu-central-1.amazonaws.com", "")],
)
@pytest.mark.parametrize("key", ["media/ads/ad_1/main_Zt41bQ9c.jpg", "media/a b+ü~(1).jpg"])
def test_a_head_request_is_signed_as_by_botocore(
    token: str | None, host: str, bucket_path: str, key: str
) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    path, headers = sign_head(
        bucket_path=bucket_path,
        host=host,
        object_key=key,
        signer=Signer(
            region="eu-central-1",
            credentials=Credentials(
                access_key_id="AKIDEXAMPLE", secret_access_key=secret, session_token=token
            ),
            now=NOW,
        ),
    )
    request = AWSRequest("HEAD", f"http://{host}{path}", {"x-amz-checksum-mode": "ENABLED"})
    auth = S3SigV4Auth(BotoCredentials("AKIDEXAMPLE", secret, token), "s3", "eu-central-1")
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        auth.add_auth(request)
    assert headers["Authorization"] == request.headers["Authorization"]
    assert headers["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"]
    assert headers.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")
