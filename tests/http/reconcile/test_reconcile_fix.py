"""`broker reconcile --fix` on real servers: what it deletes and what it keeps."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from broker.db.models import Deletion, Image, Upload
from broker.domain.reconciliation import Action
from broker.services.background.reap import reap_once
from broker.services.uploads import outbox
from tests.http.client import EACH_DEPLOYMENT, Client, rows, send
from tests.http.reconciling import (
    PAST_EVERY_TICKET,
    image_of,
    put,
    put_ours,
    reconciled,
    there,
)
from tests.servers.fixtures import Bucket

pytestmark = EACH_DEPLOYMENT


def test_fix_deletes_an_old_orphan_that_an_upload_left(app: Flask, s3_bucket: Bucket) -> None:
    for key in ("media/ads/ad_1/x.jpg", "incoming/ads/ad_1/x.jpg"):
        put_ours(s3_bucket, key)
    found = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert [one.action for one in found] == [Action.DELETED] * 2
    assert not there(s3_bucket, "media/ads/ad_1/x.jpg")
    assert not there(s3_bucket, "incoming/ads/ad_1/x.jpg")
    assert rows(app, Deletion) == 0
    assert reconciled(app) == []


def test_with_a_time_fix_deletes_what_is_older_and_keeps_the_rest(
    app: Flask, s3_bucket: Bucket
) -> None:
    key = "media/ads/ad_1/x.jpg"
    put_ours(s3_bucket, key)
    written = s3_bucket.storage.head(key).last_modified
    assert written is not None
    (kept,) = reconciled(app, fix=True, before=written, after=PAST_EVERY_TICKET)
    assert (kept.action, "not older than" in kept.detail) == (Action.KEPT, True)
    later = written + timedelta(seconds=1)
    (deleted,) = reconciled(app, fix=True, before=later, after=PAST_EVERY_TICKET)
    assert deleted.action is Action.DELETED
    assert not there(s3_bucket, key)


def test_fix_deletes_an_object_that_arrived_after_its_upload_expired(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    broker = app.extensions["broker"]
    for _ in range(2):
        with broker.system_work(now=datetime.now(UTC) + timedelta(2)) as work:
            reap_once(work)
    assert send(ticket).status_code == 201
    (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert (found.action, found.upload_id) == (Action.DELETED, ticket["id"])


def test_fix_keeps_an_orphan_younger_than_the_longest_ticket(app: Flask, s3_bucket: Bucket) -> None:
    put_ours(s3_bucket, "media/ads/ad_1/x.jpg")
    (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET - timedelta(minutes=1))
    assert found.action is Action.KEPT
    assert "younger" in found.detail
    assert there(s3_bucket, "media/ads/ad_1/x.jpg")


def test_fix_never_deletes_objects_of_others(app: Flask, s3_bucket: Bucket) -> None:
    put(s3_bucket, "media/ads/ad_1/old.jpg")
    put(s3_bucket, "media/logo.png", Metadata={"upload-id": "of another system"})
    found = reconciled(app, fix=True, after=timedelta(days=9999))
    assert [one.action for one in found] == [Action.KEPT] * 2
    assert there(s3_bucket, "media/ads/ad_1/old.jpg")
    assert there(s3_bucket, "media/logo.png")


def test_fix_never_deletes_a_copy_of_an_image_at_another_key(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    key = f"media/{image_of(alice, alice.ad())['image']}"
    s3_bucket.storage.copy(
        key, "media/backup.jpg", source=s3_bucket.storage.head(key), cache_control=""
    )
    (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert found.action is Action.KEPT
    assert there(s3_bucket, "media/backup.jpg")


def test_fix_changes_no_row_without_its_object(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    s3_bucket.storage.delete(f"media/{image['image']}")
    (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert found.action is Action.NONE
    assert rows(app, Image) == 1


def test_a_key_that_gets_a_row_at_the_last_moment_is_kept(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad, key = alice.ad(), "media/ads/ad_1/x.jpg"
    put_ours(s3_bucket, key)
    broker = app.extensions["broker"]
    drain = outbox.drain

    def drain_late(*args: Any, **kwargs: Any) -> Any:
        with broker.database.session() as other:
            other.add(
                Image(
                    owner_kind="ad",
                    owner_id=ad,
                    key="ads/ad_1/x.jpg",
                    content_type="image/jpeg",
                    size=1,
                    etag="e",
                    alt_text="",
                    order=0,
                    created_at=datetime.now(UTC),
                )
            )
            other.commit()
        return drain(*args, **kwargs)

    monkeypatch.setattr(outbox, "drain", drain_late)
    (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert found.action is Action.KEPT
    assert there(s3_bucket, key)


def test_a_repeated_confirm_still_works_after_fix(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    put_ours(s3_bucket, "media/ads/ad_1/x.jpg")
    reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert there(s3_bucket, f"media/{image['image']}")
    with app.extensions["broker"].database.session() as session:
        upload = session.query(Upload).one()
    assert isinstance(upload.id, UUID)
    assert alice.post(f"/api/uploads/{upload.id}/confirm/").get_json()["id"] == image["id"]


def test_two_concurrent_fixes_delete_each_orphan_and_nothing_else(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    for number in range(10):
        put_ours(s3_bucket, f"media/ads/ad_1/{number}.jpg")
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(reconciled, app, fix=True, after=PAST_EVERY_TICKET) for _ in range(2)]
        found = [one for run in runs for one in run.result()]
    assert {one.key for one in found} == {f"media/ads/ad_1/{number}.jpg" for number in range(10)}
    assert [item.key for item in s3_bucket.storage.list_objects("media/")] == [
        f"media/{image['image']}"
    ]
    assert reconciled(app) == []
