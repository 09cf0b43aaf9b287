"""The feed programs of docs/integrating-*.md read a real broker: from the start, on, and after 410."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import EventFeed
from tests.e2e.live import served
from tests.http.client import JPEG, Client, declared, send, token
from tests.http.owners.granted import PRODUCT, PROFILES
from tests.integrating.programs import Programs, blocks
from tests.integrating.shop import PHOTOS, Json, Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
UPLOADS = f"{PRODUCT}/uploads/"


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """Return a broker with products whose photos need a grant."""
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(
        profiles_file=tmp_path / "profiles.toml",
        jwt_issuer="https://shop.example",
        jwt_audience="upload-broker",
    )


@pytest.fixture
def service(app: Flask) -> Client:
    claims = {"iss": "https://shop.example", "aud": "upload-broker"}
    return Client(app, token(900, role="service", **claims))


@pytest.fixture
def shop(app: Flask, programs: Programs, tmp_path: Path) -> Iterator[Shop]:
    """Yield a served shop without photos, whose broker is served too."""
    folder = tmp_path / "shop"
    folder.mkdir()
    programs.write(folder)
    with served(app) as port:
        shop = Shop(programs, folder, broker_url=f"http://127.0.0.1:{port}")
        with shop.serving():
            yield shop


@pytest.fixture
def seller(app: Flask, shop: Shop) -> Client:
    """Return the seller's browser, with the token that the shop signs for it."""
    return Client(app, shop.call("GET", "/upload-token/product_image/42").text)


def upload(seller: Client, number: int) -> int:
    """Upload a photo straight to the broker, which confirms it; return its id."""
    data = JPEG + bytes([number])
    ticket = seller.post(UPLOADS, declared(data))
    assert ticket.status_code == 201, ticket.text
    assert send(ticket.get_json(), data).status_code == 201
    image = seller.post(ticket.get_json()["confirm_url"])
    assert image.status_code == 200, image.text
    return int(image.get_json()["id"])


def events(service: Client) -> list[Json]:
    found: list[Json] = service.get("/api/events/").get_json()["results"]
    return found


def shape(value: Any) -> Any:
    """Return the names of all fields of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return None


def test_the_example_has_the_fields_of_an_event(seller: Client, service: Client) -> None:
    upload(seller, 1)
    (text,) = blocks("integrating.md", "json")
    assert shape(json.loads(text)) == shape(events(service)[0])


def test_a_shop_reads_what_its_webhooks_have_missed(
    app: Flask, shop: Shop, seller: Client, service: Client
) -> None:
    # The first time it reads all files, because older ones may have no events any more.
    a, b = upload(seller, 1), upload(seller, 2)
    shop.read_feed(lambda: shop.shown() == [a, b])

    # It goes on from its cursor.
    assert seller.patch(f"{PRODUCT}/files/{a}/", {"alt_text": "front"}).status_code == 200
    c = upload(seller, 3)
    shop.read_feed(lambda: shop.shown() == [a, b, c])
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
    shop.read_feed(lambda: shop.shown() == [c, d])

    # An event from before brings nothing back, although the shop has forgotten the photo.
    assert [shop.push(event) for event in late] == [204] * len(late)
    assert shop.shown() == [c, d]
