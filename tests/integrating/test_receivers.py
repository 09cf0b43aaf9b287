"""The receivers of docs/integrating-*.md: events twice, in any order, and with wrong signatures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import jwt
import pytest

from tests.http.client import SECRET
from tests.integrating.programs import Programs
from tests.integrating.shop import PHOTOS, Shop, event, signed

NEXT_ID = count(100)


@pytest.fixture(scope="module")
def shop(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Yield a served shop for all tests of this module. Its broker does not answer."""
    shop = Shop(programs, tmp_path_factory.mktemp("shop"))
    programs.write(shop.folder)
    with shop.serving():
        yield shop


@pytest.fixture
def image() -> int:
    """Return the id of an image that no event was about before."""
    return next(NEXT_ID)


def texts(shop: Shop, image: int) -> list[str]:
    """Return the texts of an image that the shop shows: one, or none without the image."""
    return [photo["alt_text"] for photo in shop.photos() if photo["id"] == image]


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {other: value for other, value in headers.items() if other != name}


def test_an_event_that_is_sent_twice_is_stored_once(shop: Shop, image: int) -> None:
    for _ in range(2):
        assert shop.push(event(image, 1, alt_text="Größe 7")) == 204
    assert texts(shop, image) == ["Größe 7"]


def test_an_older_event_after_a_newer_one_changes_nothing(shop: Shop, image: int) -> None:
    assert shop.push(event(image, 2, "image.updated", alt_text="new")) == 204
    assert shop.push(event(image, 1, alt_text="old")) == 204
    assert texts(shop, image) == ["new"]


def test_a_newer_event_replaces_an_older_one(shop: Shop, image: int) -> None:
    assert shop.push(event(image, 1, alt_text="old")) == 204
    assert shop.push(event(image, 2, "image.updated", alt_text="new")) == 204
    assert texts(shop, image) == ["new"]


def test_a_deleted_photo_does_not_come_back(shop: Shop, image: int) -> None:
    assert shop.push(event(image, 3, "image.deleted")) == 204
    assert shop.push(event(image, 1)) == 204
    assert shop.push(event(image, 2, "image.updated")) == 204
    assert texts(shop, image) == []


@pytest.mark.parametrize("type_", ["image.rejected", "owner.erased", "something.new"])
def test_events_about_no_photo_are_accepted(shop: Shop, image: int, type_: str) -> None:
    other = event(image, 1, type_)
    other["data"]["image"] = None
    assert shop.push(other) == 204


def test_photos_are_in_their_order(shop: Shop) -> None:
    first, second, third = next(NEXT_ID), next(NEXT_ID), next(NEXT_ID)
    for image, order in ((first, 12), (second, 1), (third, 1)):
        assert shop.push(event(image, 1, order=order)) == 204
    wanted = (second, third, first)
    assert tuple(one for one in shop.shown() if one in wanted) == wanted


def test_nothing_is_stored_without_a_valid_signature(shop: Shop, image: int) -> None:
    body, headers = signed(event(image, 1))
    other_secret = "whsec_YW5vdGhlciBzZWNyZXQgb2YgYW4gYXR0YWNrZXI="
    now = datetime.now(UTC)
    refused = [
        signed(event(image, 1), secret=other_secret),
        signed(event(image, 1), at=now - timedelta(minutes=6)),
        signed(event(image, 1), at=now + timedelta(minutes=6)),
        (body.replace(b"42", b"43"), headers),
        (body + b" ", headers),
        (b"", headers),
        (body, {**headers, "webhook-id": "another"}),
        (body, {**headers, "webhook-signature": "v1,AAAA"}),
        (body, {**headers, "webhook-signature": "v1"}),
        (body, {**headers, "webhook-signature": "nothing"}),
        (body, {**headers, "webhook-timestamp": "now"}),
        *(
            (body, {k: v for k, v in headers.items() if k != name})
            for name in headers
            if name[0] == "w"
        ),
    ]
    assert [shop.send(*request) for request in refused] == [400] * len(refused)
    assert texts(shop, image) == []
    assert shop.send(body, headers) == 204


def test_one_of_two_signatures_is_enough(shop: Shop, image: int) -> None:
    body, headers = signed(event(image, 1))
    _, new = signed(event(image, 1), secret="whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHNob3A=")
    both = f"{new['webhook-signature']} {headers['webhook-signature']}"
    assert shop.send(body, {**headers, "webhook-signature": both}) == 204
    assert len(texts(shop, image)) == 1


def test_only_the_owner_of_a_product_gets_a_token_or_deletes(shop: Shop, image: int) -> None:
    assert shop.call("GET", "/upload-token/product_image/43").status_code == 404
    assert shop.call("DELETE", f"/products/43/photos/{image}").status_code == 404
    answer = shop.call("GET", "/upload-token/product_image/42")
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(answer.text, SECRET, ["HS256"], audience="upload-broker")
    assert (claims["sub"], claims["authorization_details"][0]["owner"]) == ("7", "42")


def test_a_photo_stays_while_the_broker_is_away(shop: Shop, image: int) -> None:
    assert shop.push(event(image, 1)) == 204
    assert shop.call("DELETE", f"{PHOTOS}/{image}").status_code >= 500
    assert len(texts(shop, image)) == 1
