"""`broker adopt` on real servers: existing photos become images, and nothing else does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from flask import Flask

from broker.db.models import Ad, Image
from broker.domain.adoption import Claim, Skipped
from broker.domain.errors import InvalidReport
from broker.domain.limits import Limits
from broker.services.adopt.csv_claims import claims_of_csv
from broker.services.background.reap import reap_once
from tests.http.client import EACH_DEPLOYMENT, JPEG, Client, rows
from tests.http.reconciling import (
    adopted,
    image_of,
    put,
    put_ours,
    reconciled,
    there,
)
from tests.servers.fixtures import Bucket

pytestmark = EACH_DEPLOYMENT


def places(app: Flask, ad: int) -> int:
    with app.extensions["broker"].database.session() as session:
        return session.get_one(Ad, ad).slots_taken


def test_existing_objects_are_adopted_and_then_nothing_differs(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    names = ["main.jpg", "a b+c.jpg", "été 日本.jpg", "2024/01/side.jpg", "a%20b.jpg"]
    for name in names:
        put(s3_bucket, f"media/ads/ad_{ad}/{name}")
    put(s3_bucket, "media/avatars/user_1/me.jpg")
    image_of(alice, ad)
    assert len(reconciled(app)) == 6
    tally = adopted(app)
    assert (tally.adopted, tally.skipped[Skipped.KNOWN]) == (6, 1)
    assert reconciled(app) == []
    assert rows(app, Image) == 7


def test_an_adopted_image_is_served_and_can_be_deleted(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad, key = alice.ad(), "ads/ad_{}/a b+c.jpg"
    put(s3_bucket, f"media/{key.format(ad)}")
    adopted(app)
    (image,) = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert image["image"] == key.format(ad)
    assert httpx.get(image["image_url"]).content == JPEG
    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    assert alice.get(f"/api/ads/{ad}/").get_json()["images"] == []
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC)) as work:
        reap_once(work)
    assert not there(s3_bucket, f"media/{key.format(ad)}")
    assert places(app, ad) == 0


def test_an_adopted_avatar_becomes_the_users_avatar(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    alice.ad()
    put(s3_bucket, "media/avatars/user_1/me.jpg")
    adopted(app)
    assert alice.get("/api/users/1/").get_json()["avatar"] == "avatars/user_1/me.jpg"


def test_a_second_adopt_adopts_nothing(app: Flask, alice: Client, s3_bucket: Bucket) -> None:
    ad = alice.ad()
    put(s3_bucket, f"media/ads/ad_{ad}/a.jpg")
    assert adopted(app).adopted == 1
    tally = adopted(app)
    assert (tally.adopted, tally.skipped) == (0, {Skipped.KNOWN: 1})
    assert tally.is_as_expected
    assert places(app, ad) == 1


def test_more_images_than_an_ad_may_have_are_adopted_and_counted(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad, limit = alice.ad(), Limits().max_images_per_ad
    for number in range(limit + 1):
        put(s3_bucket, f"media/ads/ad_{ad}/{number}.jpg")
    assert adopted(app).adopted == limit + 1
    assert places(app, ad) == limit + 1
    assert alice.ticket(ad).get_json()["code"] == "image_limit_reached"


def test_an_object_without_its_owner_is_skipped_and_reported(app: Flask, s3_bucket: Bucket) -> None:
    for number in range(7):
        put(s3_bucket, f"media/ads/ad_99/{number}.jpg")
    put(s3_bucket, "media/avatars/user_99/me.jpg")
    tally = adopted(app)
    assert (tally.adopted, tally.skipped) == (0, {Skipped.NO_OWNER: 8})
    assert tally.examples[Skipped.NO_OWNER] == [f"ads/ad_99/{number}.jpg" for number in range(5)]
    assert not tally.is_as_expected


def test_leftovers_of_uploads_are_not_adopted(app: Flask, alice: Client, s3_bucket: Bucket) -> None:
    ad = alice.ad()
    put_ours(s3_bucket, f"media/ads/ad_{ad}/x.jpg")
    assert adopted(app).skipped == {Skipped.OURS: 1}


def test_objects_that_are_no_images_are_skipped_and_reported(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    put(s3_bucket, f"media/ads/ad_{ad}/page.jpg", ContentType="text/html")
    put(s3_bucket, f"media/ads/ad_{ad}/empty.jpg", b"")
    put(s3_bucket, f"media/ads/ad_{ad}/x.jpeg", ContentType="binary/octet-stream")
    put(s3_bucket, "media/ads/ad_x/a.jpg")
    tally = adopted(app)
    assert tally.adopted == 1
    assert tally.skipped == {Skipped.NO_IMAGE: 2, Skipped.OTHER_KEY: 1}


def test_an_existing_avatar_is_never_replaced(app: Flask, alice: Client, s3_bucket: Bucket) -> None:
    alice.ad()
    put(s3_bucket, "media/avatars/user_1/a.jpg")
    adopted(app)
    put(s3_bucket, "media/avatars/user_1/b.jpg")
    assert adopted(app).skipped == {Skipped.KNOWN: 1, Skipped.HAS_AVATAR: 1}
    assert alice.get("/api/users/1/").get_json()["avatar"] == "avatars/user_1/a.jpg"


def test_of_several_avatars_the_newest_is_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.ad()
    storage_type, names = type(app.extensions["broker"].storage), ["a", "c", "b"]
    head = storage_type.head

    def head_aged(self: object, key: str) -> object:
        # The times of objects are in whole seconds and cannot be set.
        answer = head(self, key)
        age = timedelta(hours=1 if key.endswith("c.jpg") else 2)
        object.__setattr__(answer, "last_modified", answer.last_modified - age)
        return answer

    monkeypatch.setattr(storage_type, "head", head_aged)
    for name in names:
        put(s3_bucket, f"media/avatars/user_1/{name}.jpg")
    tally = adopted(app)
    assert (tally.adopted, tally.skipped) == (1, {Skipped.HAS_AVATAR: 2})
    assert alice.get("/api/users/1/").get_json()["avatar"] == "avatars/user_1/c.jpg"


def test_a_dry_run_prints_the_same_and_changes_nothing(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for name in ("a", "b"):
        put(s3_bucket, f"media/ads/ad_{ad}/{name}.jpg")
    assert adopted(app, dry_run=True).adopted == 2
    assert rows(app, Image) == 0
    assert places(app, ad) == 0
    assert adopted(app).adopted == 2


def test_images_of_an_ad_that_is_deleted_meanwhile_are_not_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad, other = alice.ad(), alice.ad()
    for one in (ad, other):
        put(s3_bucket, f"media/ads/ad_{one}/a.jpg")
    storage_type = type(app.extensions["broker"].storage)
    head = storage_type.head

    def head_late(self: object, key: str) -> object:
        alice.delete(f"/api/ads/{ad}/")
        return head(self, key)

    monkeypatch.setattr(storage_type, "head", head_late)
    tally = adopted(app)
    assert tally.adopted == 1
    assert rows(app, Image) == 1
    assert (places(app, other), there(s3_bucket, f"media/ads/ad_{ad}/a.jpg")) == (1, True)


def test_a_csv_selects_the_objects_and_sets_alt_text_and_order(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    for name in ("a.jpg", "b, c.jpg", "d.jpg"):
        put(s3_bucket, f"media/ads/ad_{ad}/{name}")
    file = tmp_path / "images.csv"
    file.write_text(
        f'\ufeffkey,alt_text,order\r\n"ads/ad_{ad}/b, c.jpg","front ""view""",2\r\n'
        f"media/ads/ad_{ad}/a.jpg,,\r\nads/ad_{ad}/gone.jpg,,1\r\n"
    )
    with claims_of_csv(file, Limits()) as claims:
        tally = adopted(app, claims)
    assert (tally.adopted, tally.skipped) == (2, {Skipped.NO_OBJECT: 1})
    images = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert [(one["image"], one["alt_text"], one["order"]) for one in images] == [
        (f"ads/ad_{ad}/a.jpg", "", 0),
        (f"ads/ad_{ad}/b, c.jpg", 'front "view"', 2),
    ]


def test_two_concurrent_adopts_record_each_object_once(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    put(s3_bucket, f"media/ads/ad_{ad}/a.jpg")
    storage_type = type(app.extensions["broker"].storage)
    head = storage_type.head

    def head_late(self: object, key: str) -> object:
        monkeypatch.setattr(storage_type, "head", head)
        assert adopted(app).adopted == 1
        return head(self, key)

    monkeypatch.setattr(storage_type, "head", head_late)
    tally = adopted(app, [Claim(key=f"ads/ad_{ad}/a.jpg")])
    assert (tally.adopted, tally.skipped) == (0, {Skipped.KNOWN: 1})
    assert places(app, ad) == 1


def test_an_invalid_csv_adopts_nothing(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    put(s3_bucket, f"media/ads/ad_{ad}/a.jpg")
    file = tmp_path / "images.csv"
    file.write_text(f"key,alt_text,order\nads/ad_{ad}/a.jpg,,1\nads/ad_{ad}/b.jpg,,x\n")
    with (
        pytest.raises(InvalidReport, match="line 3: order"),
        claims_of_csv(file, Limits()) as claims,
    ):
        adopted(app, claims)
    assert rows(app, Image) == 0
