"""A profile of the operator's file takes part in everything: tickets, quotas, adopt, reconcile."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Image, Owner, Upload, UserQuota
from broker.domain.reconciliation import Action, DifferenceKind
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.uploads.images import delete_of_owner
from tests.http.client import Client, declared, rows, send
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import caller, entry
from tests.http.reconciling import PAST_EVERY_TICKET, adopted, put, put_ours, reconciled, there
from tests.http.uploads.test_lifecycle import reap
from tests.servers.fixtures import Bucket

OWNER = "A-7_b"
UPLOADS = f"/api/owners/product_image/{OWNER}/uploads/"
GALLERY = f"/api/owners/gallery/{OWNER}/uploads/"
FOLDER = f"products/product_{OWNER}"


def ada(app: Flask) -> Client:
    return caller(app, "ada", entry(OWNER), entry(OWNER, profile="gallery"))


def slots(app: Flask, profile: str = "product_image") -> int:
    with app.extensions["broker"].database.session() as session:
        named = select(Owner.slots_taken).where(Owner.owner_kind == profile, Owner.owner == OWNER)
        return int(session.scalars(named).one())


def files_taken(app: Flask) -> int:
    with app.extensions["broker"].database.session() as session:
        return int(session.scalars(select(UserQuota.files_taken)).one())


def disagreeing(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))


def life(ticket: dict[str, Any]) -> timedelta:
    ends = datetime.fromisoformat(ticket["expires_at"])
    return ends - datetime.fromisoformat(ticket["server_time"])


@FIRST_DATABASE
def test_a_photo_is_sent_confirmed_and_deleted(app: Flask, s3_bucket: Bucket) -> None:
    client = ada(app)
    ticket = client.post(UPLOADS, declared(alt_text="front", order=2)).get_json()
    assert life(ticket) == timedelta(seconds=120)
    renewed = client.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    assert life(renewed) == timedelta(seconds=120)
    assert send(renewed).status_code == 201
    image = client.post(ticket["confirm_url"]).get_json()
    assert image["image"].startswith(f"{FOLDER}/main_")
    assert (image["alt_text"], image["order"]) == ("front", 2)
    upload = client.get(f"/api/uploads/{ticket['id']}/").get_json()
    assert (upload["purpose"], upload["owner"], upload["image"]) == ("product_image", OWNER, image)
    assert there(s3_bucket, f"media/{image['image']}")
    assert (slots(app), files_taken(app)) == (1, 1)
    with app.extensions["broker"].system_work() as work:
        profile = work.limits.profiles.named("product_image")
        (owner_id,) = work.session.scalars(select(Owner.id)).all()
        keys = delete_of_owner(work.session, work.limits, profile, owner_id, now=work.now)
        work.session.commit()
    reap(app)
    assert (keys, slots(app)) == ([image["image"]], 0)
    assert not there(s3_bucket, f"media/{image['image']}")
    assert disagreeing(app) == []


def test_slots_and_quota_are_counted_and_released(app: Flask) -> None:
    client = ada(app)
    tickets = client.post(GALLERY + "batch/", {"files": [declared()] * 5}).get_json()["tickets"]
    refused = client.post(GALLERY, declared())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "image_limit_reached")
    assert " files are allowed" in refused.get_json()["detail"]
    # Each profile counts its own owner of this name.
    assert client.post(UPLOADS, declared()).status_code == 201
    assert client.post(UPLOADS, declared(size=16 * 2**20 + 1)).status_code == 422
    assert client.post(UPLOADS, declared(content_type="image/gif")).status_code == 422
    assert (slots(app, "gallery"), slots(app), files_taken(app)) == (5, 1, 6)
    assert client.delete(f"/api/uploads/{tickets[0]['id']}/").status_code == 204
    assert slots(app, "gallery") == 4
    reap(app, timedelta(hours=3))
    assert (slots(app, "gallery"), slots(app), files_taken(app)) == (0, 0, 0)
    with app.extensions["broker"].database.session() as session:
        assert set(session.scalars(select(Upload.state))) == {"cancelled", "expired"}
    assert disagreeing(app) == []


@FIRST_DATABASE
def test_a_profile_that_keeps_one_replaces_the_file_before(app: Flask, s3_bucket: Bucket) -> None:
    client = caller(app, "ada", entry(OWNER, profile="logo"))
    images = []
    for _ in range(2):
        ticket = client.post(f"/api/owners/logo/{OWNER}/uploads/", declared()).get_json()
        assert send(ticket).status_code == 201
        images.append(client.post(ticket["confirm_url"]).get_json()["image"])
    reap(app)
    assert [there(s3_bucket, f"media/{key}") for key in images] == [False, True]
    assert rows(app, Image) == 1
    assert disagreeing(app) == []


@FIRST_DATABASE
def test_adopt_and_reconcile_know_the_profile(app: Flask, s3_bucket: Bucket) -> None:
    put(s3_bucket, f"media/{FOLDER}/old.jpg")
    put(s3_bucket, "media/products/product_not.one/old.jpg")
    tally = adopted(app)
    assert (tally.adopted, rows(app, Image), slots(app)) == (1, 1, 1)
    client = ada(app)
    ticket = client.post(UPLOADS, declared()).get_json()
    assert send(ticket).status_code == 201
    image = client.post(ticket["confirm_url"]).get_json()["image"]
    assert slots(app) == 2
    orphan = f"media/{FOLDER}/left.jpg"
    put_ours(s3_bucket, orphan)
    found = {one.key: one.kind for one in reconciled(app, fix=True, after=PAST_EVERY_TICKET)}
    assert found[orphan] is DifferenceKind.ORPHAN
    assert not there(s3_bucket, orphan)
    assert there(s3_bucket, f"media/{FOLDER}/old.jpg")
    assert there(s3_bucket, f"media/{image}")
    assert disagreeing(app) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_reconcile_keeps_the_objects_of_a_profile_that_is_not_declared(
    app: Flask, s3_bucket: Bucket
) -> None:
    """An older database was restored, and an older file with it."""
    for key in ("media/tickets/ticket_7/main_aaaaaaaa.jpg", "incoming/tickets/ticket_7/a.jpg"):
        put_ours(s3_bucket, key)
        (found,) = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
        assert (found.action, "BROKER_PROFILES_FILE" in found.detail) == (Action.KEPT, True)
        assert there(s3_bucket, key)
        s3_bucket.storage.delete(key)
