"""`broker reconcile` on real servers, from a listing and from an inventory report."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.db.models import Image
from broker.domain.object_head import ObjectHead
from broker.domain.reconciliation import Tally
from broker.services.uploads import outbox
from broker.storage.inventory import open_report, open_reports
from tests.http.client import EACH_DEPLOYMENT, Client, rows, send, token
from tests.http.part_uploads import LARGE, multipart_ticket, part, put_part, signed
from tests.http.reconciling import (
    PAST_EVERY_TICKET,
    image_of,
    kinds_and_keys,
    put,
    put_ours,
    reconciled,
)
from tests.servers.fixtures import Bucket
from tests.servers.inventory import write_report

pytestmark = EACH_DEPLOYMENT
ODD_KEYS = [
    "media/ads/ad_1/a b.jpg",
    "media/ads/ad_1/a%20b.jpg",
    "media/ads/ad_1/a+b.jpg",
    "media/ads/ad_1/été 日本 😀.jpg",
    "media/ads/ad_1/z&<>'\".jpg",
]


def test_a_bucket_that_matches_the_rows_has_no_difference(app: Flask, alice: Client) -> None:
    ad, tally = alice.ad(), Tally()
    for _ in range(3):
        image_of(alice, ad)
    assert reconciled(app, tally=tally) == []
    assert (tally.objects, tally.images, tally.differences) == (6, 3, 0)


def test_a_promoted_object_has_no_difference(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(require_checksum=False)
    alice = Client(app, token(1))
    ad = alice.ad()
    confirmed, pending = (alice.ticket(ad, checksum_sha256=None).get_json() for _ in range(2))
    for ticket in (confirmed, pending):
        assert send(ticket).status_code == 201
    assert alice.post(confirmed["confirm_url"]).status_code == 200
    # The source of the copy, below incoming/, is in the outbox.
    tally = Tally()
    assert reconciled(app, tally=tally) == []
    assert (tally.objects, tally.images) == (3, 1)


def test_a_multipart_image_has_no_difference(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ticket = multipart_ticket(alice)
    for one in signed(alice, ticket, [1, 2], pinned=False):
        data = part(LARGE, one["part_number"], ticket["upload"]["part_size"])
        assert put_part(one, data).status_code == 200
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200
    (listed,) = s3_bucket.storage.list_objects("media/")
    assert reconciled(app) == []
    manifest = write_report(tmp_path, [listed], "CSV", bucket=s3_bucket.name)
    assert reconciled(app, inventory=open_report(manifest, s3_bucket.name).objects) == []


def test_an_object_without_a_row_is_an_orphan(app: Flask, s3_bucket: Bucket) -> None:
    put(s3_bucket, "media/logo.png")
    put_ours(s3_bucket, "incoming/ads/ad_1/x.jpg")
    put(s3_bucket, "elsewhere/x.jpg")
    found = reconciled(app)
    assert kinds_and_keys(found) == [
        ("orphan", "incoming/ads/ad_1/x.jpg"),
        ("orphan", "media/logo.png"),
    ]
    assert [one.upload_id is not None for one in found] == [True, False]


def test_a_row_without_its_object_is_reported(app: Flask, alice: Client, s3_bucket: Bucket) -> None:
    image = image_of(alice, alice.ad())
    s3_bucket.storage.delete(f"media/{image['image']}")
    (found,) = reconciled(app)
    assert kinds_and_keys([found]) == [("missing", f"media/{image['image']}")]
    assert found.image_id == image["id"]


def test_another_size_or_etag_is_reported(app: Flask, alice: Client, s3_bucket: Bucket) -> None:
    ad = alice.ad()
    keys = sorted(f"media/{image_of(alice, ad)['image']}" for _ in range(2))
    size = s3_bucket.storage.head(keys[0]).content_length
    put(s3_bucket, keys[0], b"x" * size)
    put(s3_bucket, keys[1], b"x")
    found = reconciled(app)
    assert kinds_and_keys(found) == [("differs", key) for key in keys]
    assert ["size" in one.detail for one in found] == [False, True]
    assert all("ETag" in one.detail for one in found)


def test_a_pending_uploads_object_is_no_orphan(app: Flask, alice: Client) -> None:
    assert send(alice.ticket(alice.ad()).get_json()).status_code == 201
    assert reconciled(app) == []
    assert reconciled(app, fix=True, after=PAST_EVERY_TICKET) == []


def test_an_object_in_the_outbox_is_no_orphan(app: Flask, s3_bucket: Bucket) -> None:
    put_ours(s3_bucket, "media/ads/ad_1/x.jpg")
    with app.extensions["broker"].database.session() as session:
        outbox.enqueue(session, "media/ads/ad_1/x.jpg", now=datetime.now(UTC))
        session.commit()
    assert reconciled(app) == []


def test_changes_during_the_run_are_not_reported(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    going, coming = image_of(alice, ad), alice.ticket(ad).get_json()
    storage_type = type(app.extensions["broker"].storage)
    listing = storage_type.list_objects

    def list_late(self: Any, prefix: str) -> Any:
        if prefix == "media/":
            # After the rows were read, one image is deleted and another is confirmed.
            assert alice.delete(f"/api/ads/{ad}/images/{going['id']}/").status_code == 204
            assert send(coming).status_code == 201
            assert alice.post(coming["confirm_url"]).status_code == 200
        return listing(self, prefix)

    monkeypatch.setattr(storage_type, "list_objects", list_late)
    assert reconciled(app) == []


def test_changes_during_the_recheck_are_not_reported(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    image = image_of(alice, ad)
    put(s3_bucket, f"media/{image['image']}", b"other")
    storage_type = type(app.extensions["broker"].storage)
    head = storage_type.head

    def head_late(self: Any, key: str) -> ObjectHead:
        answer = head(self, key)
        if rows(app, Image):
            assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
        return answer

    monkeypatch.setattr(storage_type, "head", head_late)
    assert reconciled(app) == []


def reports(bucket: Bucket, root: Path, file_format: str) -> Iterator[Path]:
    """Write a report of each bucket; yield the paths of their manifests."""
    listed, names = bucket.storage.list_objects, bucket.storage.buckets
    for name in names.each():
        found = [*listed("")] if name == names.media else [*listed("incoming/")]
        (root / name).mkdir()
        yield write_report(root / name, found[::-1], file_format, bucket=name, files=3)


@pytest.mark.parametrize("file_format", ["CSV", "Parquet"])
def test_an_inventory_gives_the_same_result_as_a_listing(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path, file_format: str
) -> None:
    ad = alice.ad()
    images = [f"media/{image_of(alice, ad)['image']}" for _ in range(3)]
    s3_bucket.storage.delete(images[0])
    put(s3_bucket, images[1], b"other")
    for key in ODD_KEYS:
        put(s3_bucket, key)
    put(s3_bucket, "elsewhere/x.jpg")
    by_listing, by_report = Tally(), Tally()
    expected = reconciled(app, tally=by_listing)
    manifests = list(reports(s3_bucket, tmp_path, file_format))
    inventory = open_reports(manifests, s3_bucket.storage.buckets)
    found = reconciled(app, tally=by_report, inventory=inventory)
    assert kinds_and_keys(expected) == sorted(
        [("missing", images[0]), ("differs", images[1]), *(("orphan", key) for key in ODD_KEYS)],
        key=lambda one: one[1],
    )
    assert found == expected
    assert by_report == by_listing


def test_an_inventory_is_not_compared_with_images_newer_than_it(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    manifest = write_report(tmp_path, [], "CSV", bucket=s3_bucket.name)
    image_of(alice, alice.ad())
    report = open_report(manifest, s3_bucket.name)
    assert reconciled(app, inventory=report.objects) == []


def test_a_listing_by_directory_is_sorted_first(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    folder, file = f"media/{image['image'][:-4]}/x.jpg", f"media/{image['image'][:-4]}!.jpg"
    put(s3_bucket, folder)
    put(s3_bucket, file)
    tally = Tally()
    found = reconciled(app, tally=tally)
    assert kinds_and_keys(found) == [("orphan", file), ("orphan", folder)]
    assert (tally.objects, tally.images) == (4, 1)
