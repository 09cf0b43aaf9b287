"""Apply the aspects of each bucket: check the permissions, then change what differs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.config import Settings
from broker.domain.storage_errors import StorageDenied
from broker.storage.aws_session import DEFAULT_REGION, aws_session, region_of
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.cors import cors
from broker.storage.bucket_setup.lifecycle import incoming, incomplete
from broker.storage.bucket_setup.notification import notification
from broker.storage.bucket_setup.policy import public_read
from broker.storage.bucket_setup.public_access import no_public_access, public_access
from broker.storage.bucket_setup.reading import (
    Found,
    check_permissions,
    code_of,
    is_denied,
    read,
    refused,
    status_of,
)
from broker.storage.bucket_setup.step import Outcome, Step, apply_one
from broker.storage.buckets import bucket_names
from broker.storage.factory import client_config
from broker.storage.translation import translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def apply(settings: Settings, *, dry_run: bool = False) -> Iterator[Step]:
    """Configure the buckets as the settings say, or only report what would change.

    Everything is read before the first change. If a change fails, the others are still made.

    Yields:
        Each step as soon as it is done.

    Raises:
        StorageUnavailable: the server does not answer.
        StorageDenied: the server refuses these credentials, or a step failed.
    """
    failed = []
    try:
        for step in _steps(settings, dry_run=dry_run):
            if step.outcome is Outcome.FAILED:
                failed.append(step.title)
            yield step
    except (ClientError, BotoCoreError) as error:
        raise translate(error) from error
    if failed:
        raise StorageDenied(f"These parts of the bucket are not configured: {'; '.join(failed)}.")


def _steps(settings: Settings, *, dry_run: bool) -> Iterator[Step]:
    session = aws_session()
    region = region_of(session, settings.server)
    client = session.client(
        "s3",
        region_name=region,
        endpoint_url=settings.s3_endpoint_url,
        config=client_config(settings),
    )
    aspects = {name: _aspects(settings, name) for name in bucket_names(settings).each()}
    existing = [name for name in aspects if _exists(client, name)]
    for name in existing if dry_run else aspects:
        check_permissions(client, name, aspects[name])
    for name in aspects:
        there = name in existing
        outcome = Outcome.UNCHANGED if there else Outcome.WOULD_CHANGE
        if not there and not dry_run:
            _create(client, name, region)
            there, outcome = True, Outcome.CHANGED
        yield Step(title=f"bucket {name}", outcome=outcome)
        for aspect in aspects[name]:
            # Read again, because both lifecycle rules are in one document.
            found = read(client, name, aspect) if there else Found(value=aspect.empty)
            yield apply_one(client, name, aspect, found, settings.server, dry_run=dry_run)


def _aspects(settings: Settings, name: str) -> list[Aspect]:
    """Return the aspects of a bucket. Titles of a second one begin with its name."""
    names = bucket_names(settings)
    has_media, has_incoming = name == names.media, name == names.incoming
    # Block Public Access first, because it can refuse the policy.
    wanted = (
        public_access(settings) if has_media else no_public_access(),
        public_read(settings) if has_media else None,
        cors(settings),
        incoming(settings) if has_incoming else None,
        incomplete(settings, name),
        notification(settings) if has_incoming else None,
    )
    lacks = settings.server.lacks or ()
    found = [replace(one, is_lacking=one.feature in lacks) for one in wanted if one is not None]
    if has_media:
        return found
    return [replace(one, title=f"{name}: {one.title}") for one in found]


def _exists(client: "S3Client", bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) == 404:
            return False
        if is_denied(error):
            raise refused({"s3:ListBucket": code_of(error)}) from error
        raise
    return True


def _create(client: "S3Client", bucket: str, region: str) -> None:
    arguments: Any = {"Bucket": bucket}
    if region != DEFAULT_REGION:
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        client.create_bucket(**arguments)
    except ClientError as error:
        if is_denied(error):
            raise refused({"s3:CreateBucket": code_of(error)}) from error
        raise
