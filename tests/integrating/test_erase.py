"""The programs of docs/integrating-*.md that erase a user, with a real broker."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from broker.services.background.reap import reap_once
from tests.http.client import Client, declared
from tests.http.owners.granted import PRODUCT
from tests.integrating.shop import UPLOADS, Shop, events, upload
from tests.processes import await_true

pytestmark = [
    pytest.mark.matrix(part="walks"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
# Longer than any signature, which could still bring an object.
DAYS = timedelta(days=3)


def test_a_shop_erases_a_user_with_a_product(
    app: Flask, shop: Shop, seller: Client, service: Client
) -> None:
    photo = upload(seller, 1)
    shop.read_feed(lambda: shop.shown() == [photo])
    product, user = f"{PRODUCT}/", "/api/users/7/"
    assert shop.erase("7", "42").splitlines() == [f"{product} deleting", f"{user} done"]
    assert seller.post(UPLOADS, declared()).status_code == 401
    shop.read_feed(lambda: shop.shown() == [])
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + DAYS) as work:
        reap_once(work)
    assert shop.erase("7", "42").splitlines() == [f"{product} done", f"{user} done"]
    assert [event["type"] for event in events(service)].count("owner.erased") == 2

    # The user comes back. Only a token of a later second counts, so the first ones are refused.
    def ask() -> int:
        token = shop.call("GET", "/upload-token/product_image/42").text
        return Client(app, token).post(UPLOADS, declared()).status_code

    assert await_true(lambda: (status := ask()) not in (401, 403) and status) == 201
