"""Ends uploads in every way, and runs the reaper long after that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import update

from broker.db.models import Upload
from broker.services.background.reap import Reaped, reap_once
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import Client, send
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket

RETENTION = timedelta(days=90)
# The uploads of a test end up to an hour after its beginning, see `ended`.
OLD = RETENTION + timedelta(hours=2)


def reap(app: Flask, after: timedelta = timedelta()) -> Reaped:
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        return reap_once(work)


def confirmed(alice: Client, ad: int) -> tuple[UUID, dict[str, Any]]:
    """Return an upload and its image."""
    ticket = alice.ticket(ad).get_json()
    assert send(ticket).status_code == 201
    answer = alice.post(ticket["confirm_url"])
    assert answer.status_code == 200, answer.text
    return UUID(ticket["id"]), answer.get_json()


def rejected(alice: Client, ad: int, bucket: Bucket) -> UUID:
    ticket = alice.ticket(ad).get_json()
    put(bucket, f"incoming/{ticket['key']}", b"forged")
    assert alice.post(ticket["confirm_url"]).status_code == 422
    return UUID(ticket["id"])


def cancelled(alice: Client, ad: int) -> UUID:
    ticket = alice.ticket(ad).get_json()
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    return UUID(ticket["id"])


def without_image(alice: Client, ad: int) -> UUID:
    """Return a confirmed upload whose image was deleted."""
    upload_id, image = confirmed(alice, ad)
    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    return upload_id


def ended(alice: Client, ad: int, bucket: Bucket) -> list[UUID]:
    """Return uploads that ended in every way without an image; all their objects are deleted."""
    expired = UUID(alice.ticket(ad).get_json()["id"])
    uploads = [rejected(alice, ad, bucket), cancelled(alice, ad), without_image(alice, ad)]
    reap(alice.app, timedelta(hours=1))
    reap(alice.app, timedelta(days=2))
    return [expired, *uploads]


def change(app: Flask, upload_id: UUID, **values: Any) -> None:
    with app.extensions["broker"].database.session() as session:
        session.execute(update(Upload).where(Upload.id == upload_id).values(**values))
        session.commit()


def uploads_of(app: Flask) -> set[UUID]:
    with app.extensions["broker"].database.session() as session:
        return {upload.id for upload in session.query(Upload)}


def wrong(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))
