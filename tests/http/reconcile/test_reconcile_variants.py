"""Variants in `broker reconcile`, `broker db verify` and `broker adopt`."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, text, update

from broker.db.models import Deletion, Image, ImageVariant, Upload
from broker.db.session import Session
from broker.domain.adoption import Skipped
from broker.domain.object_keys import variant_key, with_new_suffix
from broker.domain.reconciliation import Action, DifferenceKind
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import Client, declared, rows, send
from tests.http.reconcile.test_verify_rows import change, wrong
from tests.http.reconciling import (
    PAST_EVERY_TICKET,
    adopted,
    image_of,
    kinds_and_keys,
    put,
    put_ours,
    reconciled,
    there,
)
from tests.http.uploads.test_lifecycle import reap
from tests.http.variants import add_variant, put_variant, upload_of
from tests.servers.fixtures import Bucket


def test_objects_of_variants_are_compared_like_those_of_images(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    small, middle, large = (add_variant(app, s3_bucket, image, width) for width in (1, 2, 3))
    assert reconciled(app) == []
    s3_bucket.storage.delete(f"media/{small}")
    put(s3_bucket, f"media/{middle}", b"another")
    found = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    assert {(one.kind, one.key, one.image_id, one.action) for one in found} == {
        (DifferenceKind.MISSING, f"media/{small}", image["id"], Action.NONE),
        (DifferenceKind.DIFFERS, f"media/{middle}", image["id"], Action.NONE),
    }
    details = {one.key: one.detail for one in found}
    assert details[f"media/{small}"] == f"variant 1 of image {image['id']} has no object"
    assert details[f"media/{middle}"].startswith(f"variant 2 of image {image['id']}: size is 7")
    assert there(s3_bucket, f"media/{large}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_fix_deletes_what_a_worker_left_and_keeps_the_only_image_of_an_upload(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    image = image_of(alice, ad)
    upload_id = upload_of(app, image["id"])
    later, lonely = with_new_suffix(image["image"]), alice.ticket(ad).get_json()
    alice.delete(f"/api/uploads/{lonely['id']}/")
    change(app, delete(Deletion))
    only = with_new_suffix(lonely["key"])
    put_variant(s3_bucket, variant_key(image["image"], 320), upload_id)
    put_variant(s3_bucket, variant_key(only, 320), lonely["id"])
    put_variant(s3_bucket, "ads/ad_1/photo_x7Kp2mQa_w320.webp", None)
    put_ours(s3_bucket, f"media/{later}", upload_id)
    put_ours(s3_bucket, f"media/{later.replace('.jpg', '.heic')}", upload_id)
    put_ours(s3_bucket, f"media/{only}", lonely["id"])
    put_ours(s3_bucket, "media/ads/ad_1/copy.jpg", upload_id)
    found = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    kept = {one.key: one.detail for one in found if one.action is Action.KEPT}
    assert kept == {
        f"media/{only}": f"upload {lonely['id']} has no other image",
        "media/ads/ad_1/copy.jpg": f"a copy: upload {upload_id} has another key",
    }
    deleted = [one for one in found if one.action is Action.DELETED]
    assert len([one for one in deleted if one.key.startswith("media/")]) == 5
    assert kinds_and_keys(reconciled(app)) == [("orphan", key) for key in sorted(kept)]
    # If the image's own object is lost, a later attempt may have published the only copy.
    put_ours(s3_bucket, f"media/{later}", upload_id)
    s3_bucket.storage.delete(f"media/{image['image']}")
    actions = {one.key: one.action for one in reconciled(app, fix=True, after=PAST_EVERY_TICKET)}
    assert actions[f"media/{later}"] is Action.KEPT


def test_objects_of_an_upload_in_processing_are_no_orphans(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    change(app, update(Upload).values(state="processing"))
    put_ours(s3_bucket, f"media/{ticket['key']}", ticket["id"])
    assert reconciled(app, fix=True, after=PAST_EVERY_TICKET) == []


def test_rows_of_variants_and_of_uploads_in_processing_are_verified(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    image, other = image_of(alice, ad), image_of(alice, ad)
    variant = add_variant(app, s3_bucket, image)
    ticket = alice.ticket(ad).get_json()
    change(app, update(Upload).where(Upload.state == "pending").values(state="processing"))
    assert wrong(app) == []
    change(app, update(Image).where(Image.id == other["id"]).values(key=variant))
    assert wrong(app) == [
        f"image {other['id']} and variant 1 have the same key {variant}",
    ]
    change(app, update(Image).where(Image.id == other["id"]).values(key=other["image"]))
    database = app.extensions["broker"].database
    with database.session() as session:
        if database.engine.dialect.name == "sqlite":
            session.execute(text("PRAGMA foreign_keys = OFF"))
        else:
            session.execute(text("SET session_replication_role = replica"))
        session.execute(update(ImageVariant).values(image_id=99))
        session.execute(text("UPDATE uploads SET owner_id = 98 WHERE state = 'processing'"))
        found = set(wrong_rows_in(app, session))
    assert found == {
        "variant 1 is of image 99, which does not exist",
        f"ad {ad} counts 3 slots, and has 2",
        f"processing upload {ticket['id']} is of ad 98, which does not exist",
    }


def wrong_rows_in(app: Flask, session: Session) -> list[str]:
    """Verify the rows of a transaction that is rolled back later."""
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(replace(work, session=session)))


def test_an_object_of_a_variant_is_not_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    image = image_of(alice, ad)
    of_row = add_variant(app, s3_bucket, image)
    orphan = f"ads/ad_{ad}/old_x7Kp2mQa_w320.webp"
    put_variant(s3_bucket, orphan, None)
    named_alike = f"ads/ad_{ad}/photo_w320.webp"
    put(s3_bucket, f"media/{named_alike}", ContentType="image/webp")
    tally = adopted(app)
    assert tally.adopted == 1
    assert of_row in tally.examples[Skipped.KNOWN]
    assert tally.examples[Skipped.OURS] == [orphan]
    shown = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert {one["image"] for one in shown} == {image["image"], named_alike}


def test_deleting_an_image_an_avatar_or_an_ad_deletes_the_objects_of_variants(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ad, other = alice.ad(), alice.ad()
    image, of_ad = image_of(alice, ad), image_of(alice, other)
    avatars = []
    for _ in range(2):
        ticket = alice.post("/api/users/1/upload_avatar/", declared()).get_json()
        send(ticket)
        avatar = alice.post(ticket["confirm_url"]).get_json()
        avatars.append(add_variant(app, s3_bucket, avatar))
    variants = [add_variant(app, s3_bucket, each) for each in (image, of_ad)]
    reap(app)
    assert not there(s3_bucket, f"media/{avatars[0]}")
    assert there(s3_bucket, f"media/{avatars[1]}")
    assert alice.patch("/api/users/1/", {"avatar": None}).status_code == 200
    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    assert alice.delete(f"/api/ads/{other}/").status_code == 204
    reap(app)
    assert not any(there(s3_bucket, f"media/{key}") for key in (*avatars, *variants))
    assert rows(app, ImageVariant) == 0
    reap(app, timedelta(days=1))
    assert reconciled(app) == []
