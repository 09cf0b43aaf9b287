"""`broker bucket apply` with a second bucket for `incoming/` and `private/`."""

from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from broker.storage.bucket_setup import Outcome
from tests.contract.test_bucket_setup import BLOCK, moto_bucket, outcomes, s3
from tests.servers.fixtures import ORIGIN, TWO, Bucket

__all__ = ["moto_bucket"]
EACH_PAIR = pytest.mark.parametrize(
    "s3_bucket",
    [f"seaweedfs{TWO}", pytest.param(f"minio{TWO}", marks=pytest.mark.matrix(part="buckets"))],
    indirect=True,
)
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ARN = "arn:aws:sqs:us-east-1:123456789012:uploads"


def rules(bucket: Bucket, name: str) -> set[str]:
    found = s3(bucket).get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    return {rule["ID"] for rule in found}


@EACH_PAIR
def test_a_second_apply_changes_nothing_in_either_bucket(s3_bucket: Bucket) -> None:
    names = s3_bucket.storage.buckets
    again = outcomes(s3_bucket.settings)
    assert again[f"bucket {names.media}"] is Outcome.UNCHANGED
    assert again[f"bucket {names.incoming}"] is Outcome.UNCHANGED
    assert again["anyone may read media/*"] is Outcome.UNCHANGED
    assert again[f"{names.incoming}: incoming/ is emptied after 30 days"] is Outcome.UNCHANGED
    assert set(again.values()) <= {Outcome.UNCHANGED, Outcome.NOT_SUPPORTED}


@EACH_PAIR
def test_anyone_reads_images_in_the_first_bucket_and_nothing_in_the_second(
    s3_bucket: Bucket,
) -> None:
    client, names = s3(s3_bucket), s3_bucket.storage.buckets
    for name in names.each():
        for key in ("media/a.png", "incoming/a.png", "private/a.png"):
            client.put_object(Bucket=name, Key=key, Body=b"x")
    url = s3_bucket.server.endpoint_url
    readable = {
        f"{name}/{key}"
        for name in names.each()
        for key in ("media/a.png", "incoming/a.png", "private/a.png", "", "?list-type=2")
        if httpx.get(f"{url}/{name}/{key}").status_code == 200
    }
    assert readable == {f"{names.media}/media/a.png"}
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        client.get_bucket_policy(Bucket=names.incoming)


@EACH_PAIR
def test_a_dry_run_creates_neither_bucket(s3_bucket: Bucket) -> None:
    new = {"s3_bucket": "nobodys-photos", "s3_incoming_bucket": "nobodys-photos-in"}
    found = outcomes(s3_bucket.settings.model_copy(update=new), dry_run=True)
    assert found["bucket nobodys-photos"] is Outcome.WOULD_CHANGE
    assert found["bucket nobodys-photos-in"] is Outcome.WOULD_CHANGE
    made = {one["Name"] for one in s3(s3_bucket).list_buckets()["Buckets"]}
    assert made.isdisjoint(new.values())


@pytest.mark.parametrize("s3_bucket", [f"seaweedfs{TWO}"], indirect=True)
def test_each_bucket_has_the_rules_of_its_keys(s3_bucket: Bucket) -> None:
    client, names = s3(s3_bucket), s3_bucket.storage.buckets
    assert rules(s3_bucket, names.media) == {"broker-abort-incomplete-uploads"}
    assert rules(s3_bucket, names.incoming) == {
        "broker-expire-incoming",
        "broker-abort-incomplete-incoming",
    }
    for name in names.each():
        (rule,) = client.get_bucket_cors(Bucket=name)["CORSRules"]
        assert rule["AllowedOrigins"] == [ORIGIN]


def blocked(client: Any, name: str) -> list[bool]:
    found = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    return [found[switch] for switch in BLOCKS]


def test_all_public_access_to_the_second_bucket_is_blocked(moto_bucket: Bucket) -> None:
    client, second = s3(moto_bucket), f"{moto_bucket.name}-in"
    client.put_public_access_block(
        Bucket=moto_bucket.name, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, True)
    )
    settings = moto_bucket.settings.model_copy(update={"s3_incoming_bucket": second})
    assert outcomes(settings)[BLOCK] is Outcome.CHANGED
    assert blocked(client, moto_bucket.name) == [True, True, False, False]
    assert blocked(client, second) == [True] * 4
    assert Outcome.CHANGED not in outcomes(settings).values()


def test_only_the_second_bucket_reports_new_objects(moto_bucket: Bucket) -> None:
    client, second = s3(moto_bucket), f"{moto_bucket.name}-in"
    sqs = boto3.Session().client("sqs", endpoint_url=moto_bucket.server.endpoint_url)
    sqs.create_queue(QueueName="uploads")
    changes = {"s3_incoming_bucket": second, "bucket_notifications_arn": ARN}
    settings = moto_bucket.settings.model_copy(update=changes)
    found = outcomes(settings)
    assert found[f"{second}: new objects are reported to {ARN}"] is Outcome.CHANGED
    assert f"new objects are reported to {ARN}" not in found
    told = {
        name: client.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations")
        for name in (moto_bucket.name, second)
    }
    assert told[moto_bucket.name] is None
    assert [rule["Id"] for rule in told[second] or []] == ["broker-incoming"]
