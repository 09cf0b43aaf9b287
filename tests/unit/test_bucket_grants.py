"""`broker bucket grant` puts what a process may do into the bucket's policy, for each user anew."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.stub import Stubber
from click.testing import CliRunner
from moto import mock_aws

from broker.cli import broker
from broker.config import Settings
from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from broker.storage.bucket_setup.iam import ROLES, iam_policy
from broker.storage.bucket_setup.policy import EMPTY, public_read
from broker.storage.bucket_setup.reading import Found
from broker.storage.bucket_setup.step import apply_one
from tests.servers.fixtures import SECRET

BUCKET = "media-bucket"
ARN = f"arn:aws:s3:::{BUCKET}"
ROOT = Path(__file__).parent.parent.parent
# Measured with versitygw 1.7.0, which keeps both as extended attributes of one directory.
POLICY_AND_CORS_ON_EXT4 = 3904
CORS_OF_ONE_ORIGIN = 440
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


def policy_of(name: str = BUCKET) -> str:
    return str(s3().get_bucket_policy(Bucket=name)["Policy"])


def statements(name: str = BUCKET) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(policy_of(name))["Statement"]
    return found


def granted(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return each action with each place where it is allowed."""
    return {
        (action, place) for one in found for action in one["Action"] for place in one["Resource"]
    }


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
    found = statements()
    assert {(one["Effect"], *one["Principal"]["AWS"]) for one in found} == {("Allow", "me")}
    # The forms of versitygw.
    further = {("s3:PutObject", ARN)} if role == "api" else set()
    assert granted(found) == granted(wanted) | further


@pytest.mark.parametrize("inspection", ["required", "off"])
def test_a_user_with_policies_of_its_own_is_allowed_only_forms(
    inspection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_INSPECTION", inspection)
    user = "arn:aws:iam:::user/me"
    assert run("api", user) == f"changed: {user} may send forms\n"
    assert granted(statements()) == {("s3:PutObject", f"{ARN}/incoming/*")}
    assert statements()[0]["Principal"] == {"AWS": [user]}
    done = CliRunner().invoke(broker, ["bucket", "grant", "worker", user])
    assert done.exit_code == 2
    assert "broker bucket iam worker" in done.output


def test_a_second_time_changes_nothing_and_another_role_replaces_the_first() -> None:
    run("api", "upload-broker")
    assert run("api", "upload-broker").startswith("unchanged: ")
    run("read-private", "upload-broker")
    (statement,) = statements()
    assert statement["Resource"] == [f"{ARN}/private/*"]


def test_the_statements_of_other_users_and_of_the_operator_stay() -> None:
    own = {**OWN, "Resource": f"{ARN}/own/*"}
    policy = {"Version": "2012-10-17", "Statement": [own]}
    s3().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    run("read-private", "upload-broker-private")
    run("api", "upload-broker")
    run("api", "upload-broker")
    assert statements()[0] == own
    users = {*(one["Principal"]["AWS"][0] for one in statements()[1:])}
    assert users == {"upload-broker-private", "upload-broker"}


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
    assert {place for _, place in granted(statements())} == {ARN, f"{ARN}/media/*"}
    in_second = granted(statements(second))
    assert {place for action, place in in_second if action == "s3:PutObject"} == {
        f"{arn}/incoming/*",
        arn,
    }
    assert {place for action, place in in_second if action == "s3:ListBucket"} == {arn}


def test_the_policy_of_the_compose_file_has_room_on_ext4_with_the_longest_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "b" * 63
    monkeypatch.setenv("BROKER_S3_BUCKET", name)
    services = yaml.safe_load((ROOT / "docker-compose.versitygw.yml").read_text())["services"]
    environment = services["bucket"]["environment"]
    reader = environment["BROKER_PRIVATE_ACCESS_KEY_ID"]
    monkeypatch.setenv("BROKER_PRIVATE_ACCESS_KEY_ID", reader)
    monkeypatch.setenv("BROKER_PRIVATE_SECRET_ACCESS_KEY", "secret")
    script = services["bucket"]["command"][-1].replace('"$$BROKER_PRIVATE_ACCESS_KEY_ID"', reader)
    lines = [line.split() for line in script.splitlines()]
    assert [words[2] for words in lines] == ["apply", *["grant"] * 4]
    for words in lines:
        done = CliRunner().invoke(broker, words[1:])
        assert done.exit_code == 0, done.output
    assert len(policy_of(name)) < POLICY_AND_CORS_ON_EXT4 - CORS_OF_ONE_ORIGIN


def test_a_server_without_room_for_the_policy_is_named_with_its_size() -> None:
    settings = Settings(database_url="sqlite://", s3_bucket=BUCKET, jwt_secret=SECRET)
    client = s3()
    aspect, found = public_read(settings), Found(value=EMPTY)
    with Stubber(client) as stubber:
        stubber.add_client_error("put_bucket_policy", "InternalError", "Internal.", 500)
        with pytest.raises(StorageUnavailable) as raised:
            apply_one(client, BUCKET, aspect, found, settings.server, dry_run=False)
    assert re.search(
        rf"policy of the bucket {BUCKET}, which has 1\d\d bytes: 500 InternalError: Internal.",
        raised.value.detail,
    )
