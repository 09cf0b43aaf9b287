"""`broker reprocess` adds to existing images what a worker adds to new ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pyvips
from flask import Flask
from sqlalchemy import update

from broker.db.models import Deletion, Image, ImageVariant
from broker.domain.object_keys import object_key
from broker.inspection.inspected import Inspected, Request
from tests.faults.invariants import check_invariants
from tests.http.client import EACH_DEPLOYMENT, Client, rows
from tests.http.reconcile.test_verify_rows import wrong
from tests.http.reconciling import adopted, put, reconciled, there
from tests.http.reprocess.runs import avatar_of, cleaning, confirmed, reprocessed, results
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import real, scripted
from tests.inspection.cleaning import clean as cleaned
from tests.photos import photo
from tests.servers.fixtures import Bucket

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GPS = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0GPS\0\0\0\0\0"


def with_exif(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + (len(GPS) + 2).to_bytes(2, "big") + GPS + jpeg[2:]


def only_image(client: Client, ad: int) -> dict[str, object]:
    (image,) = client.get(f"/api/ads/{ad}/").get_json()["images"]
    return dict(image)


@EACH_DEPLOYMENT
def test_images_of_ads_avatars_and_adopted_ones_get_sizes_placeholders_and_variants(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad, other = alice.ad(), alice.ad()
    image, avatar = confirmed(alice, ad, photo()), avatar_of(alice, photo(400, 300))
    put(s3_bucket, f"media/ads/ad_{other}/old photo", photo())
    assert adopted(app).adopted == 1
    before = only_image(alice, other)
    reap(app)
    kept = {listed.key: listed.etag for listed in s3_bucket.storage.list_objects("media/")}

    found = results(reprocessed(app, tmp_path, inspect=real))
    ids = (image["id"], avatar["id"], before["id"])
    assert found == dict.fromkeys(ids, "reprocessed")
    for old, now in ((image, only_image(alice, ad)), (before, only_image(alice, other))):
        assert (now["image"], now["width"], now["height"]) == (old["image"], 1200, 900)
        assert now["thumbhash"]
        variants = now["variants"]
        assert isinstance(variants, list)
        assert [each["width"] for each in variants] == [320, 800]
        for variant in variants:
            served = httpx.get(variant["url"], verify=False)
            decoded = pyvips.Image.new_from_buffer(served.content, "")
            assert (decoded.width, decoded.height) == (variant["width"], variant["height"])
    with app.extensions["broker"].database.session() as session:
        assert [each.width for each in session.get_one(Image, avatar["id"]).variants] == [320]
        assert session.get_one(Image, avatar["id"]).key == avatar["image"]
    # Nothing was written over, and nothing is left over.
    now_there = {listed.key: listed.etag for listed in s3_bucket.storage.list_objects("media/")}
    assert kept.items() <= now_there.items()
    assert len(now_there) == len(kept) + 5
    assert reconciled(app) == []
    assert wrong(app) == []
    assert rows(app, Deletion) == 0
    assert results(reprocessed(app, tmp_path)) == dict.fromkeys(ids, "complete")


def test_a_dry_run_counts_and_writes_nothing(app: Flask, alice: Client, tmp_path: Path) -> None:
    ad = alice.ad()
    ids = [confirmed(alice, ad, photo())["id"] for _ in range(2)]
    reprocessed(app, tmp_path, since=datetime.now(UTC) + timedelta(hours=1))
    assert results(reprocessed(app, tmp_path, files=object(), dry_run=True)) == dict.fromkeys(
        ids, "reprocessed"
    )
    assert rows(app, ImageVariant) == 0


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
def test_only_images_since_a_time_are_reprocessed(
    app: Flask, alice: Client, tmp_path: Path
) -> None:
    ad = alice.ad()
    old, new = (confirmed(alice, ad, photo())["id"] for _ in range(2))
    with app.extensions["broker"].database.session() as session:
        earlier = datetime.now(UTC) - timedelta(days=2)
        session.execute(update(Image).where(Image.id == old).values(created_at=earlier))
        session.commit()
    since = datetime.now(UTC) - timedelta(days=1)
    assert results(reprocessed(app, tmp_path, since=since)) == {new: "reprocessed"}


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
def test_a_new_width_is_added_to_images_that_have_variants(
    app: Flask, alice: Client, tmp_path: Path
) -> None:
    ad = alice.ad()
    image = confirmed(alice, ad, photo())
    reprocessed(app, tmp_path)
    first = only_image(alice, ad)["variants"]
    broker = app.extensions["broker"]
    object.__setattr__(broker.limits, "ad_image_variants", (320, 640, 800, 1600))
    vars(broker.limits).pop("profiles", None)  # so that they are computed again
    assert results(reprocessed(app, tmp_path)) == {image["id"]: "reprocessed"}
    now = only_image(alice, ad)["variants"]
    assert isinstance(now, list)
    assert isinstance(first, list)
    assert [each["width"] for each in now] == [320, 640, 800]
    assert [now[0], now[2]] == first


@pytest.mark.matrix(part="inspection")
def test_clean_publishes_the_cleaned_image_at_a_new_url_and_deletes_the_old_objects(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad, other = alice.ad(), alice.ad()
    image = confirmed(alice, ad, with_exif(photo()))
    clean = confirmed(alice, other, cleaned(photo(), "image/jpeg", tmp_path))
    reprocessed(app, tmp_path, inspect=real)
    before = only_image(alice, ad)
    assert b"GPS" in httpx.get(image["image_url"], verify=False).content[:400]
    ids = (image["id"], clean["id"])

    found = reprocessed(app, tmp_path, inspect=real, clean=True)
    assert results(found) == dict.fromkeys(ids, "reprocessed")
    now = only_image(alice, ad)
    assert now["image"] != image["image"]
    assert (now["id"], now["alt_text"], now["width"]) == (image["id"], image["alt_text"], 1200)
    served = httpx.get(str(now["image_url"]), verify=False)
    assert served.headers["Cache-Control"] == "public, max-age=86400"
    assert b"GPS" not in served.content
    variants = now["variants"]
    assert isinstance(variants, list)
    assert [each["width"] for each in variants] == [320, 800]
    # What was clean already keeps its object.
    assert only_image(alice, other)["image"] == clean["image"]
    assert results(reprocessed(app, tmp_path, inspect=real, clean=True)) == dict.fromkeys(
        ids, "complete"
    )
    old = [before["image_url"], *(each["url"] for each in before["variants"])]  # type: ignore[attr-defined]
    reap(app)
    reap(app, timedelta(days=1))
    assert {httpx.get(url, verify=False).status_code for url in old} <= {403, 404}
    assert reconciled(app) == []
    assert wrong(app) == []
    assert check_invariants(app).violations == []


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
def test_files_of_the_marketplace_that_are_named_like_variants_stay(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    folder = f"ads/ad_{ad}"
    put(s3_bucket, f"media/{folder}/photo.jpg", photo())
    put(s3_bucket, f"media/{folder}/photo_w320.webp", photo(), ContentType="image/jpeg")
    assert adopted(app).adopted == 2
    put(s3_bucket, f"media/{folder}/photo_w800.webp", b"not adopted")
    etags = {each.key: each.etag for each in s3_bucket.storage.list_objects("media/")}
    for clean in (False, True):
        inspect = cleaning if clean else scripted
        assert set(results(reprocessed(app, tmp_path, inspect=inspect, clean=clean)).values()) == {
            "reprocessed"
        }
        reap(app, timedelta(days=1))
        now = {each.key: each.etag for each in s3_bucket.storage.list_objects("media/")}
        assert etags.items() <= now.items()
    assert len(now) == 3 + 2 * 2


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
@pytest.mark.parametrize("clean", [False, True])
def test_two_runs_at_once_do_no_harm(
    app: Flask, alice: Client, tmp_path: Path, clean: bool
) -> None:
    image = confirmed(alice, alice.ad(), photo() + b"#")
    inner: list[dict[int, str]] = []

    def inspect(request: Request, *, keep: Any) -> Inspected:
        if not inner:
            inner.append({})
            inner[0] = results(reprocessed(app, tmp_path, inspect=inspect, clean=clean))
        return cleaning(request, keep=keep)

    outer = results(reprocessed(app, tmp_path, inspect=inspect, clean=clean))
    assert inner == [{image["id"]: "reprocessed"}]
    assert outer == {image["id"]: "changed"}
    reap(app)
    reap(app, timedelta(days=1))
    assert reconciled(app) == []
    assert check_invariants(app).violations == []


@pytest.mark.matrix(part="inspection")
def test_an_image_that_is_deleted_meanwhile_leaves_no_object(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    image = confirmed(alice, ad, photo())

    def inspect(request: Request, *, keep: Any) -> Inspected:
        assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
        return scripted(request, keep=keep)

    assert results(reprocessed(app, tmp_path, inspect=inspect)) == {image["id"]: "changed"}
    reap(app)
    reap(app, timedelta(days=1))
    location = app.extensions["broker"].limits.location
    assert list(s3_bucket.storage.list_objects(object_key(location, ""))) == []
    assert not there(s3_bucket, f"media/{image['image']}")
