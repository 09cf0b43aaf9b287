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
NOT_SUPPORTED = {"NotImplemented", "MethodNotAllowed"}


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


def _step(what: str, act: Callable[[], object]) -> str:
    try:
        act()
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_SUPPORTED:
            return f"not supported by this server: {what}"
        raise translate(error) from error
    except BotoCoreError as error:
        raise translate(error) from error
    return what
