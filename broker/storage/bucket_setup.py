"""Set a bucket up: make it, let anyone read its images, let browsers send to it.

Run by an operator through `broker bucket apply`, with a client of its own: the API's client
may do none of this.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.storage.factory import DEFAULT_REGION, client_config
from broker.storage.translation import translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXPOSED_HEADERS = ["ETag", "Location", "x-amz-checksum-sha256", "x-amz-version-id"]
NOT_SUPPORTED = frozenset({"NotImplemented", "MethodNotAllowed"})
ABORT_RULE = "broker-abort-incomplete-uploads"


def apply(settings: Settings) -> list[str]:
    """Bring the bucket to what the settings say; give a line for each step.

    Raises:
        StorageUnavailable, StorageDenied: the server does not answer, or refuses.
    """
    session = boto3.Session()
    region = session.region_name or DEFAULT_REGION
    client = session.client(
        "s3",
        region_name=region,
        endpoint_url=settings.s3_endpoint_url,
        config=client_config(settings),
    )
    bucket = settings.s3_bucket
    lines = [_create(client, bucket, region)]
    policy = json.dumps(public_read_policy(bucket, settings.media_location))
    lines.append(
        _step(
            f"anyone may read {settings.media_location}/*",
            lambda: client.put_bucket_policy(Bucket=bucket, Policy=policy),
        )
    )
    if settings.cors_origins:
        rules: Any = {"CORSRules": [cors_rule(settings.cors_origins)]}
        lines.append(
            _step(
                f"browsers may send from {', '.join(settings.cors_origins)}",
                lambda: client.put_bucket_cors(Bucket=bucket, CORSConfiguration=rules),
            )
        )
    days = incomplete_days(settings.multipart_ttl + settings.ticket_grace)
    lines.append(
        _step(
            f"incomplete multipart uploads are aborted after {days} days",
            lambda: _apply_abort_rule(client, bucket, settings.media_location, days),
            # MinIO knows no such rule; it clears them after 24 hours by itself.
            not_supported=NOT_SUPPORTED | {"InvalidArgument"},
        )
    )
    return lines


def public_read_policy(bucket: str, location: str) -> dict[str, Any]:
    """Let anyone GET what is below the location, and nothing else: no listing, no incoming/."""
    statement = {
        "Sid": "PublicReadMedia",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/{location}/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def cors_rule(origins: tuple[str, ...]) -> dict[str, Any]:
    """Let pages of these origins send forms and read the answer's ETag."""
    return {
        "AllowedOrigins": list(origins),
        "AllowedMethods": ["POST", "PUT", "GET", "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": EXPOSED_HEADERS,
        "MaxAgeSeconds": 3000,
    }


def incomplete_days(seconds: int) -> int:
    """Give the whole days after which no multipart upload of this life can still be going on."""
    return -(-seconds // 86400) + 1


def _apply_abort_rule(client: "S3Client", bucket: str, location: str, days: int) -> None:
    """Put our rule among the bucket's own: the call replaces all of them."""
    try:
        found = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        others = [rule for rule in found["Rules"] if rule.get("ID") != ABORT_RULE]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        others = []
    ours: Any = {
        "ID": ABORT_RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": f"{location}/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [*others, ours]}
    )


def _create(client: "S3Client", bucket: str, region: str) -> str:
    arguments: Any = {"Bucket": bucket}
    if region != DEFAULT_REGION:
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise translate(error) from error
    except BotoCoreError as error:
        raise translate(error) from error
    else:
        return f"bucket {bucket} is there"
    try:
        client.create_bucket(**arguments)
    except (ClientError, BotoCoreError) as error:
        raise translate(error) from error
    return f"bucket {bucket} made"


def _step(
    what: str, act: Callable[[], object], *, not_supported: frozenset[str] = NOT_SUPPORTED
) -> str:
    try:
        act()
    except ClientError as error:
        if error.response["Error"]["Code"] in not_supported:
            return f"not supported by this server: {what}"
        raise translate(error) from error
    except BotoCoreError as error:
        raise translate(error) from error
    return what
