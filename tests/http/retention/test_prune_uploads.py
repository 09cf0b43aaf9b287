"""Uploads that ended without an image are pruned, but never one that something still needs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from broker.db.models import Deletion, Upload, UploadPart, UserQuota
from broker.domain.storage_errors import StorageUnavailable
from broker.services.background import late_objects
from broker.services.uploads import prune
from broker.services.uploads.prune import prune_uploads
from tests.http.client import BOTH_SERVERS, Client, at_once, rows, token
from tests.http.first import FIRST_DATABASE
from tests.http.reconciling import put_ours, there
from tests.http.retention.aging import (
    OLD,
    RETENTION,
    cancelled,
    change,
    confirmed,
    ended,
    reap,
    uploads_of,
    without_image,
    wrong,
)
from tests.servers.fixtures import Bucket

HOUR = timedelta(hours=1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="off", require_checksum=False)


def pruned(app: Flask, after: timedelta = OLD) -> int:
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + after) as work:
        return prune_uploads(work)


def queue(app: Flask, **columns: Any) -> None:
    """Put a deletion into the outbox that is as old as the uploads of a test."""
    now = datetime.now(UTC)
    with app.extensions["broker"].database.session() as session:
        session.add(Deletion(created_at=now, not_before=now + timedelta(days=999), **columns))
        session.commit()


@BOTH_SERVERS
def test_ended_uploads_are_pruned_after_their_retention_and_answer_404(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    kept, image = confirmed(alice, ad)
    old = ended(alice, ad, s3_bucket)
    reap(app, RETENTION - HOUR)
    assert uploads_of(app) == {kept, *old}
    assert reap(app, OLD).pruned >= len(old)
    assert uploads_of(app) == {kept}
    for upload_id in old:
        assert alice.get(f"/api/uploads/{upload_id}/").status_code == 404
        assert alice.post(f"/api/uploads/{upload_id}/confirm/").status_code == 404
    assert alice.get(f"/api/uploads/{kept}/").get_json()["image"]["id"] == image["id"]
    assert wrong(app) == []
    assert reap(app, OLD).pruned == 0


@FIRST_DATABASE
def test_an_upload_stays_as_long_as_its_image(app: Flask, alice: Client) -> None:
    upload_id, _ = confirmed(alice, alice.ad())
    # Even if its row says otherwise.
    change(app, upload_id, image_deleted_at=datetime.now(UTC) - RETENTION * 2)
    assert pruned(app) == 0
    assert uploads_of(app) == {upload_id}


@pytest.mark.parametrize(
    "name",
    [
        "incoming/{folder}main_{suffix}.jpg",
        "media/{folder}main_{suffix}.jpg",
        "media/{folder}main_Another1_w320.webp",
    ],
)
def test_an_upload_stays_as_long_as_one_of_its_objects_is_in_the_outbox(
    app: Flask, alice: Client, name: str
) -> None:
    upload_id = cancelled(alice, alice.ad())
    other = cancelled(alice, alice.ad())
    reap(app, HOUR)
    reap(app, timedelta(days=2))
    with app.extensions["broker"].database.session() as session:
        key = session.get_one(Upload, upload_id).key
    folder, _, file = key.rpartition("/")
    suffix = file.removeprefix("main_").removesuffix(".jpg")
    queue(app, object_key=name.format(folder=f"{folder}/", suffix=suffix))
    assert pruned(app) == 1
    assert uploads_of(app) == {upload_id}
    assert other not in uploads_of(app)


@FIRST_DATABASE
def test_an_upload_stays_until_its_quota_is_refunded(app: Flask, alice: Client) -> None:
    upload_id = cancelled(alice, alice.ad())
    # No reaper has deleted what the form may have written, after which it refunds the quota.
    assert pruned(app) == 0
    assert uploads_of(app) == {upload_id}
    assert reap(app, HOUR).deleted
    assert pruned(app) == 1
    assert wrong(app) == []


def test_the_quota_of_a_window_that_is_over_goes_with_its_uploads(
    app: Flask, alice: Client
) -> None:
    ad = alice.ad()
    without_image(alice, ad)
    kept, _ = confirmed(alice, ad)
    reap(app, HOUR)
    reap(app, timedelta(days=2))
    assert rows(app, UserQuota) == 1
    # Otherwise the row would count a file more than its uploads.
    assert pruned(app) == 1
    assert rows(app, UserQuota) == 0
    assert uploads_of(app) == {kept}
    assert wrong(app) == []
    assert alice.ticket(ad).status_code == 201
    assert wrong(app) == []


@FIRST_DATABASE
def test_a_longer_window_of_quotas_keeps_uploads_longer(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(inspection="off", quota_window=100 * 86400)
    alice = Client(app, token(1))
    without_image(alice, alice.ad())
    reap(app, HOUR)
    reap(app, timedelta(days=2))
    assert pruned(app) == 0
    assert wrong(app) == []
    assert pruned(app, OLD + timedelta(days=10)) == 1


@FIRST_DATABASE
def test_parts_of_a_pruned_upload_are_deleted(app: Flask, alice: Client) -> None:
    upload_id = cancelled(alice, alice.ad())
    reap(app, HOUR)
    with app.extensions["broker"].database.session() as session:
        session.add(UploadPart(upload_id=upload_id, part_number=1, checksum_sha256="A" * 44))
        session.commit()
    assert pruned(app) == 1
    assert rows(app, UploadPart) == 0


@FIRST_DATABASE
def test_a_round_that_cannot_list_the_bucket_prunes_no_upload(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that has arrived late is found by the row of its upload."""
    upload_id = cancelled(alice, alice.ad())
    reap(app, HOUR)

    def unavailable(_prefix: str) -> None:
        raise StorageUnavailable("The bucket does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(app.extensions["broker"].storage, "list_objects", unavailable)
        reap(app, OLD)
    assert uploads_of(app) == {upload_id}
    reap(app, OLD)
    assert uploads_of(app) == set()


@FIRST_DATABASE
def test_an_object_that_arrives_before_the_prune_is_deleted_first(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    upload_id = cancelled(alice, alice.ad())
    reap(app, HOUR)
    with app.extensions["broker"].database.session() as session:
        key = session.get_one(Upload, upload_id).key
    put_ours(s3_bucket, f"incoming/{key}", str(upload_id))
    done = reap(app, OLD)
    assert (done.late, done.deleted) == (1, 1)
    assert not there(s3_bucket, f"incoming/{key}")
    reap(app, OLD)
    assert uploads_of(app) == set()
    assert wrong(app) == []


def test_an_upload_that_is_pruned_while_its_late_object_is_found_is_not_charged(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = cancelled(alice, alice.ad())
    reap(app, HOUR)
    with app.extensions["broker"].database.session() as session:
        key = session.get_one(Upload, upload_id).key
    put_ours(s3_bucket, f"incoming/{key}", str(upload_id))
    found = late_objects._is_image

    def pruned_now(*arguments: Any) -> bool:
        assert pruned(app) == 1
        return found(*arguments)

    monkeypatch.setattr(late_objects, "_is_image", pruned_now)
    assert reap(app, OLD).late == 1
    assert not there(s3_bucket, f"incoming/{key}")
    assert wrong(app) == []


def test_reapers_that_prune_at_once_prune_each_upload_once(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 3)
    ad = alice.ad()
    for _ in range(10):
        cancelled(alice, ad)
    kept, _ = confirmed(alice, ad)
    reap(app, HOUR)
    counts = at_once(4, lambda: pruned(app))
    # Each skips the rows that another has locked, so a last round may find a few.
    assert sum(counts) + pruned(app) == 10
    assert uploads_of(app) == {kept}
    assert wrong(app) == []


def test_a_round_prunes_a_limited_number_and_is_not_held_up_by_uploads_that_stay(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)
    monkeypatch.setattr(prune, "MOST", 3)
    ad = alice.ad()
    first = [cancelled(alice, ad) for _ in range(2)]
    for upload_id in first:
        queue(app, object_key="incoming/x", upload_id=upload_id)
    for _ in range(6):
        cancelled(alice, ad)
    reap(app, HOUR)
    assert [pruned(app) for _ in range(3)] == [4, 2, 0]
    assert uploads_of(app) == set(first)


def test_polls_and_confirms_beside_a_prune_answer_410_or_404(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)
    ad = alice.ad()
    ids: list[UUID] = [cancelled(alice, ad) for _ in range(8)]
    reap(app, HOUR)
    answers: list[int] = []

    def ask() -> None:
        if not answers:
            answers.append(0)
            pruned(app)
            return
        for upload_id in ids:
            answers.append(alice.post(f"/api/uploads/{upload_id}/confirm/").status_code)

    at_once(3, ask)
    assert set(answers) <= {0, 404, 410}
    pruned(app)
    assert uploads_of(app) == set()
