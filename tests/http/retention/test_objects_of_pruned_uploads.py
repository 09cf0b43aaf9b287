"""An object of a pruned upload is never adopted, and `broker reconcile --fix` can delete it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from broker.db.models import Image, Upload
from broker.domain.adoption import AdoptTally, Skipped
from broker.services.adopt.adopt import adopt, claims_of_listing
from broker.services.uploads.prune import prune_uploads
from tests.http.client import Client, at_once, rows
from tests.http.first import FIRST_DATABASE
from tests.http.reconciling import put_ours, reconciled, there
from tests.http.retention.aging import OLD, cancelled, reap, uploads_of
from tests.servers.fixtures import Bucket

LATER = OLD + timedelta(days=1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="off")


def adopted(app: Flask, *, restored: bool, after: timedelta = OLD) -> AdoptTally:
    tally = AdoptTally()
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + after) as work:
        adopt(work, claims_of_listing(work), tally=tally, restored=restored)
    return tally


def issued_at(time: datetime) -> UUID:
    """Return the id of a ticket that was issued at a time."""
    milliseconds = int(time.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | 1)


def pruned_upload(alice: Client, ad: int) -> tuple[UUID, str]:
    """Return the id and the key of an upload that was pruned."""
    upload_id = cancelled(alice, ad)
    with alice.app.extensions["broker"].database.session() as session:
        key = session.get_one(Upload, upload_id).key
    reap(alice.app, timedelta(hours=1))
    reap(alice.app, OLD)
    assert upload_id not in uploads_of(alice.app)
    return upload_id, key


@pytest.mark.parametrize("restored", [False, True], ids=["adopt", "adopt --restored"])
@FIRST_DATABASE
def test_an_object_of_a_pruned_upload_is_not_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket, restored: bool
) -> None:
    upload_id, key = pruned_upload(alice, alice.ad())
    put_ours(s3_bucket, f"media/{key}", str(upload_id))
    tally = adopted(app, restored=restored)
    assert (tally.adopted, tally.skipped) == (0, {Skipped.OURS: 1})
    assert rows(app, Image) == 0


@FIRST_DATABASE
def test_after_a_restore_an_object_of_an_upload_since_the_backup_is_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    now = datetime.now(UTC)
    put_ours(s3_bucket, f"media/ads/ad_{ad}/young_AbCdEfGh.jpg", str(issued_at(now)))
    old = str(issued_at(now - timedelta(days=91)))
    put_ours(s3_bucket, f"media/ads/ad_{ad}/old_AbCdEfGh.jpg", old)
    tally = adopted(app, restored=True, after=timedelta())
    assert (tally.adopted, tally.skipped) == (1, {Skipped.OURS: 1})


@FIRST_DATABASE
def test_reconcile_deletes_what_a_pruned_upload_has_left_and_keeps_copies(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    upload_id, key = pruned_upload(alice, ad)
    left = [f"media/{key}", f"incoming/{key}", f"media/{key.replace('.jpg', '_w320.webp')}"]
    copy = f"media/ads/ad_{ad}/copy.jpg"
    for one in (*left, copy):
        put_ours(s3_bucket, one, str(upload_id))
    reconciled(app, fix=True, after=LATER)
    assert [there(s3_bucket, one) for one in (*left, copy)] == [False] * 3 + [True]


def test_an_adopt_beside_a_prune_adopts_no_object_of_its_uploads(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for _ in range(6):
        upload_id = cancelled(alice, ad)
        with app.extensions["broker"].database.session() as session:
            key = session.get_one(Upload, upload_id).key
        put_ours(s3_bucket, f"media/{key}", str(upload_id))
    # Ended without an attempt to publish, so nothing deletes these objects.
    reap(app, timedelta(hours=1))
    prunes = iter([True, False])

    def either() -> int:
        if not next(prunes):
            return adopted(app, restored=True).adopted
        with app.extensions["broker"].system_work(now=datetime.now(UTC) + OLD) as work:
            return prune_uploads(work)

    assert sorted(at_once(2, either)) == [0, 6]
    assert uploads_of(app) == set()
    assert rows(app, Image) == 0
