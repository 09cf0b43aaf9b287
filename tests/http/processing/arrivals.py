"""Uploads whose object has arrived, so that a worker is to process them."""

from typing import Any
from uuid import UUID

from flask import Flask

from broker.db.models import Upload
from tests.http.client import JPEG, Client, send, token


def arrived(app: Flask, data: bytes = JPEG, **changes: Any) -> UUID:
    """Upload a file and confirm it, with inspection required; return the upload's id."""
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad(), data, **changes).get_json()
    assert send(ticket, data).status_code == 201
    headers = {"Authorization": f"Bearer {alice.token}"}
    confirmed = app.test_client().post(ticket["confirm_url"], headers=headers)
    assert confirmed.status_code == 202, confirmed.text
    return UUID(ticket["id"])


def row_of(app: Flask, upload_id: UUID) -> Upload:
    """Return the current row of an upload."""
    with app.extensions["broker"].database.session() as session:
        return session.get_one(Upload, upload_id)
