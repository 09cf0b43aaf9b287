"""The region of every client and signer: AWS_REGION, AWS_DEFAULT_REGION, the profile's."""

import ast
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from broker.config import Settings
from broker.domain.post_policy import post_form
from broker.storage.bucket_setup import steps
from broker.storage.factory import s3_storage
from broker.storage.probe import Probe
from broker.storage.queue import notification_queue

ROOT = Path(__file__).parent.parent.parent
SETTINGS = Settings(
    database_url="sqlite://",
    s3_bucket="media-bucket",
    jwt_secret="a-secret-of-the-tests-alone-0123456789abcdef",
    bucket_notifications_queue_url="https://sqs.example/1/queue",
)


def of_the_form() -> str:
    """Return the region in a form's credential scope."""
    now = datetime.now(UTC)
    form = post_form(
        object_key="media/ads/ad_1/a_b.jpg",
        content_type="image/jpeg",
        cache_control="public",
        min_size=1,
        max_size=1,
        checksum_sha256=None,
        upload_id="u",
        acl=None,
        expires_at=now + timedelta(minutes=5),
    )
    fields = s3_storage(SETTINGS).presigner.presign_post(form, now).fields
    return fields["x-amz-credential"].split("/")[2]


def of_the_bucket_setup(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the region of the client that configures the bucket."""
    regions: list[str] = []

    def exists(client: object, _bucket: str) -> bool:
        regions.append(client.meta.region_name)  # type: ignore[attr-defined]
        return False

    monkeypatch.setattr(steps, "_exists", exists)
    next(iter(steps.apply(SETTINGS, dry_run=True)))
    return regions[0]


PLACES: dict[str, Callable[[pytest.MonkeyPatch], str]] = {
    "form": lambda _: of_the_form(),
    "client": lambda _: s3_storage(SETTINGS).client.meta.region_name,
    "heads": lambda _: s3_storage(SETTINGS)._heads.media._region,
    "queue": lambda _: notification_queue(SETTINGS)._client.meta.region_name,
    "doctor": lambda _: Probe(SETTINGS).region,
    "bucket setup": of_the_bucket_setup,
}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-south-1"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-south-1"}, "eu-south-1"),
        ({}, "eu-north-1"),
    ],
)
def test_report_25_each_client_and_signer_uses_the_region_of_the_environment(
    place: str, variables: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert PLACES[place](monkeypatch) == region


def test_report_25_only_one_module_opens_sessions_of_boto3() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "broker").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"boto3.Session", "boto3.client", "boto3.resource"}
    }
    assert found == {"broker/storage/aws_session.py"}
    assert boto3.Session().region_name == "eu-north-1"
