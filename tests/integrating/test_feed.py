"""The feed programs of docs/integrating-*.md read a real broker, also after a 410."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import EventFeed
from tests.http.client import Client
from tests.http.owners.granted import PRODUCT, caller, entry
from tests.integrating.programs import EXPRESS, FASTAPI, Programs, blocks
from tests.integrating.shop import PHOTOS, Shop, events, upload

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(
    params=[
        pytest.param(FASTAPI, id="fastapi"),
        pytest.param(EXPRESS, id="node", marks=pytest.mark.matrix(part="walks")),
    ]
)
def programs(request: pytest.FixtureRequest) -> Programs:
    found: Programs = request.param
    return found


def latest(service: Client) -> str:
    """Return the cursor after all events so far."""
    answer = service.get("/api/events/", query_string={"after": "latest"})
    return str(answer.get_json()["next_cursor"])


def shape(value: Any) -> Any:
    """Return the names of all fields of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return None


def test_the_example_of_webhooks_has_the_fields_of_an_event(app: Flask, service: Client) -> None:
    claims = {"iss": "https://shop.example", "aud": "upload-broker"}
    upload(caller(app, 7, entry("42"), **claims), 1)
    text = blocks("webhooks.md", "json")[0]
    assert shape(json.loads(text)) == shape(events(service)[0])


def test_a_shop_reads_what_its_webhooks_have_missed(
    app: Flask, shop: Shop, seller: Client, service: Client
) -> None:
    # The first time it reads all files, because older ones may have no events any more.
    a, b = upload(seller, 1), upload(seller, 2)
    shop.read_feed(lambda: shop.shown() == [a, b] and shop.cursor() == latest(service))

    # It goes on from its cursor.
    assert seller.patch(f"{PRODUCT}/files/{a}/", {"alt_text": "front"}).status_code == 200
    c = upload(seller, 3)
    shop.read_feed(lambda: shop.shown() == [a, b, c] and shop.cursor() == latest(service))
    assert shop.photos()[0]["alt_text"] == "front"

    # The backend deletes a photo at the broker. The event of its upload is late, and sent again.
    assert shop.call("DELETE", f"{PHOTOS}/{b}").status_code == 204
    assert service.get(f"{PRODUCT}/files/").get_json()["results"][1]["id"] == c
    late = events(service)
    assert [shop.push(event) for event in late[:2]] == [204, 204]
    assert shop.shown() == [a, c]
    assert shop.call("DELETE", f"{PHOTOS}/{b}").status_code == 204

    # After a restore of the broker, the cursor is of another epoch: 410.
    assert seller.delete(f"{PRODUCT}/files/{a}/").status_code == 204
    d = upload(seller, 4)
    with app.extensions["broker"].database.session() as session:
        session.execute(update(EventFeed).values(epoch="restored"))
        session.commit()
    shop.read_feed(lambda: shop.shown() == [c, d] and shop.cursor() == latest(service))

    # An event from before brings nothing back, although the shop has forgotten the photo.
    assert [shop.push(event) for event in late] == [204] * len(late)
    assert shop.shown() == [c, d]
