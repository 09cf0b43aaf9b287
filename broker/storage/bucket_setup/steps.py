"""Apply the aspects of a bucket one by one and report the result of each."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.storage.aws_session import DEFAULT_REGION, aws_session, region_of
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.cors import cors
from broker.storage.bucket_setup.lifecycle import incoming, incomplete
from broker.storage.bucket_setup.notification import notification
from broker.storage.bucket_setup.policy import public_read
from broker.storage.bucket_setup.public_access import public_access
from broker.storage.factory import client_config
from broker.storage.translation import translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Outcome(StrEnum):
    """What happened to an aspect."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    WOULD_CHANGE = "would change"
    NOT_SUPPORTED = "not supported by this server"


@dataclass(frozen=True, kw_only=True)
class Step:
    """The result for one aspect; `diff` has the changed lines, as a unified diff of JSON."""

    title: str
    outcome: Outcome
    diff: tuple[str, ...] = ()


def apply(settings: Settings, *, dry_run: bool = False) -> Iterator[Step]:
    """Configure the bucket as the settings say, or only report what would change.

    Yields:
        Each step as soon as it is done.

    Raises:
        StorageUnavailable: the server does not answer.
        StorageDenied: the server refuses the request.
    """
    try:
        yield from _steps(settings, dry_run=dry_run)
    except (ClientError, BotoCoreError) as error:
        raise translate(error) from error


def _steps(settings: Settings, *, dry_run: bool) -> Iterator[Step]:
    session = aws_session()
    region = region_of(session)
    client = session.client(
        "s3",
        region_name=region,
        endpoint_url=settings.s3_endpoint_url,
        config=client_config(settings),
    )
    exists = _exists(client, settings.s3_bucket)
    title = f"bucket {settings.s3_bucket}"
    if exists:
        yield Step(title=title, outcome=Outcome.UNCHANGED)
    elif dry_run:
        yield Step(title=title, outcome=Outcome.WOULD_CHANGE)
    else:
        _create(client, settings.s3_bucket, region)
        yield Step(title=title, outcome=Outcome.CHANGED)
    for aspect in _aspects(settings):
        yield _step(client, settings.s3_bucket, aspect, exists=exists, dry_run=dry_run)


def _aspects(settings: Settings) -> Iterator[Aspect]:
    yield public_access(settings)  # first, because it can refuse the policy
    yield public_read(settings)
    if (rule := cors(settings)) is not None:
        yield rule
    yield incoming(settings)
    yield incomplete(settings)
    if (events := notification(settings)) is not None:
        yield events


def _step(client: "S3Client", bucket: str, aspect: Aspect, *, exists: bool, dry_run: bool) -> Step:
    try:
        found = _read(client, bucket, aspect) if exists or not dry_run else aspect.empty
        wanted = aspect.wanted(found)
        if wanted == found:
            return Step(title=aspect.title, outcome=Outcome.UNCHANGED)
        if dry_run:
            outcome = Outcome.WOULD_CHANGE
        else:
            aspect.write(client, bucket, wanted)
            outcome = Outcome.CHANGED
    except ClientError as error:
        if error.response["Error"]["Code"] in aspect.not_supported:
            return Step(title=aspect.title, outcome=Outcome.NOT_SUPPORTED)
        raise
    return Step(title=aspect.title, outcome=outcome, diff=_diff(found, wanted))


def _read(client: "S3Client", bucket: str, aspect: Aspect) -> Any:
    try:
        return aspect.read(client, bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in aspect.absent:
            return aspect.empty
        raise


def _diff(found: Any, wanted: Any) -> tuple[str, ...]:
    old, new = (
        json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
        for value in (found, wanted)
    )
    lines = difflib.unified_diff(old, new, n=1, lineterm="")
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _exists(client: "S3Client", bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _create(client: "S3Client", bucket: str, region: str) -> None:
    arguments: Any = {"Bucket": bucket}
    if region != DEFAULT_REGION:
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
    client.create_bucket(**arguments)
