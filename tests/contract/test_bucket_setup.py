"""`broker bucket apply` on each server changes only what differs."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from broker.config import Settings
from broker.domain.s3_servers import Feature
from broker.storage import bucket_setup
from broker.storage.bucket_setup import Outcome
from tests.servers import S3Server
from tests.servers.fixtures import Bucket, make_bucket

BLOCK = "Amazon's Block Public Access lets images be public"
ARN = "arn:aws:sqs:us-east-1:123456789012:uploads"


def s3(bucket: Bucket) -> Any:
    return boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)


def outcomes(settings: Settings, *, dry_run: bool = False) -> dict[str, Outcome]:
    steps = bucket_setup.apply(settings, dry_run=dry_run)
    return {step.title: step.outcome for step in steps}


def has_lifecycle(bucket: Bucket) -> bool:
    """Check whether the server has lifecycle rules, according to its row."""
    return Feature.EXPIRATION not in (bucket.settings.server.lacks or ())


@pytest.fixture
def moto_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Create a bucket on moto, for features that neither SeaweedFS nor MinIO has."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield make_bucket(S3Server(f"http://{host}:{port}", "moto", "moto", None), monkeypatch)
    server.stop()


def test_a_second_apply_changes_nothing(any_bucket: Bucket) -> None:
    again = outcomes(any_bucket.settings)
    assert again[f"bucket {any_bucket.name}"] is Outcome.UNCHANGED
    assert again["anyone may read media/*"] is Outcome.UNCHANGED
    empties = has_lifecycle(any_bucket)
    expected = Outcome.UNCHANGED if empties else Outcome.NOT_SUPPORTED
    assert again["incoming/ is emptied after 30 days"] is expected
    assert Outcome.CHANGED not in again.values()


def test_a_dry_run_lists_the_changes_and_changes_nothing(any_bucket: Bucket) -> None:
    client = s3(any_bucket)
    client.delete_bucket_policy(Bucket=any_bucket.name)
    steps = list(bucket_setup.apply(any_bucket.settings, dry_run=True))
    policy = next(step for step in steps if step.title == "anyone may read media/*")
    assert policy.outcome is Outcome.WOULD_CHANGE
    assert any("s3:GetObject" in line and line.startswith("+") for line in policy.diff)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        client.get_bucket_policy(Bucket=any_bucket.name)
    assert outcomes(any_bucket.settings)["anyone may read media/*"] is Outcome.CHANGED
    assert client.get_bucket_policy(Bucket=any_bucket.name)


def test_a_dry_run_creates_no_bucket(any_bucket: Bucket) -> None:
    settings = any_bucket.settings.model_copy(update={"s3_bucket": f"{any_bucket.name}-other"})
    found = outcomes(settings, dry_run=True)
    assert found[f"bucket {settings.s3_bucket}"] is Outcome.WOULD_CHANGE
    names = [bucket["Name"] for bucket in s3(any_bucket).list_buckets()["Buckets"]]
    assert settings.s3_bucket not in names


def test_images_are_public_and_nothing_else_is(any_bucket: Bucket) -> None:
    client, url = s3(any_bucket), f"{any_bucket.server.endpoint_url}/{any_bucket.name}"
    for key in ("media/a.png", "incoming/a.png", "own/a.png"):
        client.put_object(Bucket=any_bucket.name, Key=key, Body=b"x")
    assert httpx.get(f"{url}/media/a.png").status_code == 200
    for path in ("/incoming/a.png", "/own/a.png", "", "/?list-type=2"):
        assert httpx.get(url + path).status_code == 403
    assert httpx.put(f"{url}/media/b.png", content=b"x").status_code == 403
    assert httpx.delete(f"{url}/media/a.png").status_code == 403


def test_other_configuration_of_the_operator_is_kept(any_bucket: Bucket) -> None:
    client, name = s3(any_bucket), any_bucket.name
    policy = json.loads(client.get_bucket_policy(Bucket=name)["Policy"])
    own = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{name}/own/*"],
    }
    stale = {**own, "Sid": "PublicReadMedia"}
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({**policy, "Statement": [own, stale]}))
    rule: Any = {"ID": "own", "Status": "Enabled", "Filter": {"Prefix": "x/"}}
    if has_lifecycle(any_bucket):
        client.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [{**rule, "Expiration": {"Days": 9}}]}
        )
    outcomes(any_bucket.settings)
    found = json.loads(client.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in found] == ["Own", "PublicReadMedia"]
    assert "own/*" in str(found[0]["Resource"])
    assert "media/*" in str(found[1]["Resource"])
    if has_lifecycle(any_bucket):
        rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        assert {"own", "broker-expire-incoming"} <= {rule["ID"] for rule in rules}
    assert Outcome.CHANGED not in outcomes(any_bucket.settings).values()


def test_cors_allows_the_origins_and_exposes_the_needed_headers(s3_bucket: Bucket) -> None:
    rules = s3(s3_bucket).get_bucket_cors(Bucket=s3_bucket.name)["CORSRules"]
    assert [rule["AllowedOrigins"] for rule in rules] == [["https://shop.example"]]
    assert {"ETag", "x-amz-checksum-sha256"} <= set(rules[0]["ExposeHeaders"])
    moved = s3_bucket.settings.model_copy(update={"cors_origins": ("https://new.example",)})
    assert Outcome.CHANGED in outcomes(moved).values()
    rules = s3(s3_bucket).get_bucket_cors(Bucket=s3_bucket.name)["CORSRules"]
    assert [rule["AllowedOrigins"] for rule in rules] == [["https://new.example"]]


def test_incomplete_uploads_end_after_a_day_and_incoming_objects_after_thirty(
    s3_bucket: Bucket,
) -> None:
    rules = s3(s3_bucket).get_bucket_lifecycle_configuration(Bucket=s3_bucket.name)["Rules"]
    assert {rule["ID"]: rule for rule in rules} == {
        "broker-expire-incoming": {
            "ID": "broker-expire-incoming",
            "Status": "Enabled",
            "Filter": {"Prefix": "incoming/"},
            "Expiration": {"Days": 30},
        },
        **{
            name: {
                "ID": name,
                "Status": "Enabled",
                "Filter": {"Prefix": prefix},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }
            for name, prefix in (
                ("broker-abort-incomplete-uploads", "media/"),
                ("broker-abort-incomplete-incoming", "incoming/"),
            )
        },
    }


@pytest.mark.parametrize("s3_bucket", ["minio"], indirect=True)
def test_an_unsupported_feature_of_a_server_is_reported(s3_bucket: Bucket) -> None:
    found = outcomes(s3_bucket.settings)
    refused = [title for title, outcome in found.items() if outcome is Outcome.NOT_SUPPORTED]
    assert refused == [
        BLOCK,
        "browsers may upload from https://shop.example",
        "incomplete multipart uploads are aborted after a day",
    ]


def test_on_seaweedfs_missing_bucket_notifications_are_reported(s3_bucket: Bucket) -> None:
    settings = s3_bucket.settings.model_copy(update={"bucket_notifications_arn": ARN})
    assert outcomes(settings)[f"new objects are reported to {ARN}"] is (Outcome.NOT_SUPPORTED)


def test_the_block_on_public_policies_is_removed_and_the_one_on_acls_is_kept(
    moto_bucket: Bucket,
) -> None:
    client, name = s3(moto_bucket), moto_bucket.name
    switches = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    client.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(switches, True)
    )
    assert outcomes(moto_bucket.settings)[BLOCK] is Outcome.CHANGED
    block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert [block[switch] for switch in switches] == [True, True, False, False]
    assert outcomes(moto_bucket.settings)[BLOCK] is Outcome.UNCHANGED


@pytest.mark.parametrize("arn", [ARN, "arn:aws:sns:us-east-1:123456789012:t", "eventbridge"])
def test_notifications_go_to_a_queue_a_topic_or_eventbridge(moto_bucket: Bucket, arn: str) -> None:
    sqs, sns = (
        boto3.Session().client(name, endpoint_url=moto_bucket.server.endpoint_url)
        for name in ("sqs", "sns")
    )
    sqs.create_queue(QueueName="uploads")
    sns.create_topic(Name="t")
    settings = moto_bucket.settings.model_copy(update={"bucket_notifications_arn": arn})
    title = f"new objects are reported to {arn}"
    assert outcomes(settings)[title] is Outcome.CHANGED
    if arn != "eventbridge":  # moto stores this setting but does not return it
        assert outcomes(settings)[title] is Outcome.UNCHANGED
    found = s3(moto_bucket).get_bucket_notification_configuration(Bucket=moto_bucket.name)
    if arn != "eventbridge":
        (rules,) = (value for name, value in found.items() if name.endswith("Configurations"))
        assert [rule["Id"] for rule in rules] == ["broker-incoming"]
