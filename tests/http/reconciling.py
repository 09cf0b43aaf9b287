"""Creates objects without tickets, for the tests of `broker reconcile` and `broker adopt`."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from flask import Flask

from broker.domain.adoption import AdoptTally, Claim
from broker.domain.lifetimes import longest_ticket_life
from broker.domain.limits import Limits
from broker.domain.object_head import ListedObject
from broker.domain.reconciliation import Difference, Tally
from broker.domain.storage_errors import ObjectNotFound
from broker.services.adopt.adopt import adopt, claims_of_listing
from broker.services.reconcile.reconcile import reconcile
from tests.http.client import JPEG, Client, send
from tests.servers import S3Server
from tests.servers.fixtures import Bucket

PAST_EVERY_TICKET = longest_ticket_life(Limits()) + timedelta(seconds=5)


@cache
def _client(server: S3Server) -> Any:
    return boto3.Session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )


def put(bucket: Bucket, key: str, data: bytes = JPEG, **changes: Any) -> None:
    """Store an object without metadata, as the marketplace did."""
    arguments = {"ContentType": "image/jpeg", **changes}
    _client(bucket.server).put_object(Bucket=bucket.holding(key), Key=key, Body=data, **arguments)


def put_ours(bucket: Bucket, key: str, upload_id: str | None = None) -> None:
    """Store an object with an upload id in its metadata, as tickets do."""
    put(bucket, key, Metadata={"upload-id": upload_id or str(uuid.uuid4())})


def image_of(alice: Client, ad: int) -> dict[str, Any]:
    """Upload and confirm an image with a ticket."""
    ticket = alice.ticket(ad).get_json()
    assert send(ticket).status_code == 201
    answer = alice.post(ticket["confirm_url"])
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def there(bucket: Bucket, key: str) -> bool:
    try:
        bucket.storage.head(key)
    except ObjectNotFound:
        return False
    return True


def reconciled(
    app: Flask,
    *,
    fix: bool = False,
    before: datetime | None = None,
    after: timedelta = timedelta(),
    inventory: Callable[[], Iterable[ListedObject]] | None = None,
    tally: Tally | None = None,
) -> list[Difference]:
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + after) as work:
        return list(
            reconcile(work, tally=tally or Tally(), inventory=inventory, fix=fix, before=before)
        )


def kinds_and_keys(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.kind.value, one.key) for one in found]


def adopted(
    app: Flask, claims: Iterable[Claim] | None = None, *, dry_run: bool = False
) -> AdoptTally:
    tally = AdoptTally()
    with app.extensions["broker"].system_work() as work:
        wanted = claims_of_listing(work) if claims is None else claims
        adopt(work, wanted, tally=tally, dry_run=dry_run)
    return tally
