"""`broker bucket grant` puts what a process may do into the bucket's policy, for each user anew."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from broker.cli import broker
from broker.config import Settings
from broker.domain.storage_errors import StorageDenied
from broker.storage.bucket_setup.iam import ROLES, iam_policy
from tests.servers.fixtures import SECRET

BUCKET = "media-bucket"
ARN = f"arn:aws:s3:::{BUCKET}"
OWN = {"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "root",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "BROKER_DATABASE_URL": "sqlite://",
        "BROKER_S3_BUCKET": BUCKET,
        "BROKER_INSPECTION": "required",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3().create_bucket(Bucket=BUCKET)
        yield


def s3() -> Any:
    return boto3.client("s3")


def statements(name: str = BUCKET) -> dict[str, dict[str, Any]]:
    found = json.loads(s3().get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    return {one["Sid"]: one for one in found}


def run(role: str, user: str) -> str:
    done = CliRunner().invoke(broker, ["bucket", "grant", role, user])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("role", ROLES)
def test_a_user_is_allowed_what_the_policy_of_its_process_allows(role: str) -> None:
    assert run(role, "me") == f"changed: me may do what {role} needs\n"
    settings = Settings(database_url="sqlite://", s3_bucket=BUCKET, jwt_secret=SECRET)
    assert role in ROLES
    wanted = [one for one in iam_policy(settings, role)["Statement"] if one["Effect"] == "Allow"]
    found = list(statements().values())
    assert [(one["Effect"], one["Principal"]) for one in found] == [
        ("Allow", {"AWS": ["me"]}) for _ in wanted
    ]
    assert [one["Action"] for one in found] == [one["Action"] for one in wanted]
    for one, policy in zip(found, wanted, strict=True):
        assert [place for place in one["Resource"] if place not in policy["Resource"]] == (
            [ARN] if role == "api" and "s3:PutObject" in one["Action"] else []
        )


def test_a_second_time_changes_nothing_and_another_role_replaces_the_first() -> None:
    run("api", "upload-broker")
    assert run("api", "upload-broker").startswith("unchanged: ")
    run("read-private", "upload-broker")
    (statement,) = statements().values()
    assert statement["Resource"] == [f"{ARN}/private/*"]


def test_the_statements_of_other_users_and_of_the_operator_stay() -> None:
    own = {**OWN, "Resource": f"{ARN}/own/*"}
    policy = {"Version": "2012-10-17", "Statement": [own]}
    s3().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    run("read-private", "upload-broker-private")
    run("api", "upload-broker")
    run("api", "upload-broker")
    found = statements()
    assert found["Own"] == own
    assert "upload-broker-private-ReadsPrivate" in found
    assert "upload-broker-Writes" in found


def test_a_policy_that_the_server_refuses_is_an_error() -> None:
    s3().delete_bucket(Bucket=BUCKET)
    done = CliRunner().invoke(broker, ["bucket", "grant", "api", "upload-broker"])
    assert isinstance(done.exception, StorageDenied)
    assert "upload-broker may do what api needs: 404 NoSuchBucket" in str(done.exception)


def test_with_two_buckets_the_policy_of_each_names_only_its_own_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = f"{BUCKET}-in"
    monkeypatch.setenv("BROKER_S3_INCOMING_BUCKET", second)
    s3().create_bucket(Bucket=second)
    lines = run("api", "me").splitlines()
    assert lines[1] == f"changed: {second}: me may do what api needs"
    arn = f"arn:aws:s3:::{second}"
    assert {place for one in statements().values() for place in one["Resource"]} == {
        ARN,
        f"{ARN}/media/*",
    }
    in_second = statements(second)
    assert in_second["me-Writes"]["Resource"] == [f"{arn}/incoming/*", arn]
    assert in_second["me-Bucket"]["Resource"] == [arn]
