"""`broker bucket minio-user` creates users of a real MinIO, each with the policy of a process."""

import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from broker.cli import broker
from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from broker.local.process import free_ports
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.parametrize("s3_bucket", ["minio"], indirect=True)
NAME = "upload-broker-inspect"


@pytest.fixture(autouse=True)
def environment(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the command reads. The fixture of the bucket sets the key of the root user."""
    monkeypatch.setenv("BROKER_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("BROKER_S3_BUCKET", s3_bucket.name)
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", s3_bucket.server.endpoint_url)
    monkeypatch.setenv("BROKER_INSPECTION", "required")


def save(role: str, secret: str, name: str = NAME) -> Result:
    return CliRunner().invoke(broker, ["bucket", "minio-user", role, name], input=secret)


def client(bucket: Bucket, secret: str) -> Any:
    session = boto3.Session(aws_access_key_id=NAME, aws_secret_access_key=secret)
    return session.client("s3", endpoint_url=bucket.server.endpoint_url)


def refused(bucket: Bucket, secret: str, key: str) -> str | None:
    """Return the code with which MinIO refuses to write this key; None if it accepts it."""
    try:
        client(bucket, secret).put_object(Bucket=bucket.name, Key=key, Body=b"x")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_the_user_may_do_what_its_process_needs_and_nothing_else(s3_bucket: Bucket) -> None:
    done = save("inspect", "first-secret\n")
    assert (done.exit_code, done.output) == (0, f"saved: user {NAME} with the policy of inspect\n")
    assert refused(s3_bucket, "first-secret", "media/a.jpg") is None
    for key in ("incoming/a.jpg", "a.jpg"):
        assert refused(s3_bucket, "first-secret", key) == "AccessDenied"


def test_a_second_time_replaces_the_secret_and_the_policy(s3_bucket: Bucket) -> None:
    for role, secret in (("inspect", "first-secret"), ("api", "second-secret")):
        assert save(role, secret).exit_code == 0
    assert refused(s3_bucket, "first-secret", "incoming/a.jpg") == "SignatureDoesNotMatch"
    assert refused(s3_bucket, "second-secret", "media/a.jpg") == "AccessDenied"
    assert refused(s3_bucket, "second-secret", "incoming/a.jpg") is None


def test_a_refusal_is_reported_in_minios_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    done = save("api", "short", name="new-user")
    assert isinstance(done.exception, StorageDenied)
    assert "MinIO refuses the user new-user: The secret key is invalid." in str(done.exception)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-root-users")
    assert "signature we calculated does not match" in str(save("api", "long-enough").exception)


def test_a_server_that_is_away_and_missing_settings_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert isinstance(save("api", "long-enough").exception, StorageUnavailable)
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", "")
    assert "Set BROKER_S3_ENDPOINT_URL" in save("api", "long-enough").output
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    # As in the image of the API.
    monkeypatch.setitem(sys.modules, "minio", None)
    assert "the extra minio is missing" in save("api", "long-enough").output
