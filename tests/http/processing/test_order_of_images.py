"""The order of an ad's images does not depend on how fast each is processed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Flask

from broker.db.models import Upload
from broker.services.processing.process import Outcome
from tests.http.client import Client
from tests.http.worker import Worker, processing


def test_images_of_the_same_order_are_in_the_order_of_their_confirms(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ad = alice.ad()
    first, second, third = (processing(alice, ad, order=order) for order in (1, 1, 0))
    with app.extensions["broker"].database.session() as session:
        session.get_one(Upload, UUID(first["id"])).due_at += timedelta(minutes=1)
        session.commit()
    assert worker.run() == [Outcome.PUBLISHED] * 2
    worker.now = datetime.now(UTC) + timedelta(minutes=2)
    assert worker.run() == [Outcome.PUBLISHED]
    shown = alice.get(f"/api/ads/{ad}/").get_json()
    assert [one["image"] for one in shown["images"]] == [
        each["key"] for each in (third, first, second)
    ]
    assert shown["main_image_url"] == shown["images"][0]["image_url"]
