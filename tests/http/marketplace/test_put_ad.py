"""A service puts ads at the marketplace's own ids: `PUT /api/ads/{id}/`."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from broker.db.models import Ad, User
from tests.http.auth.test_subjects import UUID_SUBJECT, own, signed
from tests.http.client import Client, rows
from tests.http.marketplace.ads import put, whole
from tests.http.reconciling import image_of

ID_MAX = 2**53 - 1
# For what is decided before the database is asked.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def stored(app: Flask) -> list[dict[str, Any]]:
    """Return every ad and user as they are in the database."""
    with app.extensions["broker"].database.session() as session:
        found = [*session.scalars(select(Ad)), *session.scalars(select(User))]
        return [{key: value for key, value in vars(one).items() if key[0] != "_"} for one in found]


def test_an_ad_is_created_at_its_id_and_the_same_request_again_replaces_it(
    service: Client, anyone: Client
) -> None:
    first = put(service, 7, description="Red.", is_active=False, is_sold=True)
    assert first.status_code == 201
    again = put(service, 7, description="Red.", is_active=False, is_sold=True)
    assert again.status_code == 200
    created, replaced = first.get_json(), again.get_json()
    assert (created["id"], created["owner"], created["is_sold"]) == (7, 1, True)
    assert (created["description"], created["is_active"]) == ("Red.", False)
    assert created["owner_info"]["subject"] == "1"
    assert replaced.pop("updated_at") >= created.pop("updated_at")
    assert replaced == created
    assert anyone.get("/api/ads/7/").get_json()["price"] == "850.00"


@ON_SQLITE
def test_what_a_replacement_leaves_out_gets_its_default_and_the_images_stay(
    alice: Client, service: Client
) -> None:
    put(service, 7, description="Red.", is_active=False, is_sold=True)
    image_of(alice, 7)
    replaced = put(service, 7, title="A red bicycle", price="9").get_json()
    assert (replaced["title"], replaced["price"]) == ("A red bicycle", "9.00")
    assert (replaced["description"], replaced["is_active"]) == ("", True)
    assert replaced["is_sold"] is False
    assert len(replaced["images"]) == 1


@ON_SQLITE
def test_a_service_may_replace_an_ad_that_its_user_created(alice: Client, service: Client) -> None:
    ad = alice.ad()
    assert put(service, ad, 1, title="Corrected").status_code == 200
    assert alice.patch(f"/api/ads/{ad}/", {"price": "1.00"}).get_json()["title"] == "Corrected"


def test_an_ad_of_another_user_is_409_and_nothing_changes(
    app: Flask, alice: Client, service: Client
) -> None:
    ad = alice.ad()
    assert service.get("/api/users/me/").status_code == 200
    before = stored(app)
    refused = put(service, ad, "auth0|62c", title="Taken over")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "ad_owned_by_another")
    assert stored(app) == before, "not even the row of the new user"


@ON_SQLITE
def test_report_8_a_service_learns_that_a_stranger_has_taken_its_id(
    bob: Client, service: Client
) -> None:
    """What happens without `BROKER_ADS_CREATED_BY=service`; see test_ads_created_by.py."""
    taken = bob.ad()
    assert put(service, taken, 1).get_json()["code"] == "ad_owned_by_another"


@ON_SQLITE
def test_only_a_service_may_put_an_ad(app: Flask, alice: Client, anyone: Client) -> None:
    refused = put(alice, 7)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    assert put(alice, alice.ad()).status_code == 403, "not even the user's own"
    assert put(anyone, 7).status_code == 401
    assert rows(app, Ad) == 1


def test_the_owner_is_the_subject_of_the_users_tokens(app: Flask, service: Client) -> None:
    for ad, subject in enumerate([3, UUID_SUBJECT, "auth0|62c", "01", str(2**52), "-1"], start=7):
        created = put(service, ad, subject).get_json()
        assert created["owner_info"]["subject"] == str(subject)
        profile = own(app, subject)
        assert profile["id"] == created["owner"]
        assert put(service, ad, str(subject)).status_code == 200


def test_a_user_whom_a_service_has_named_gets_their_names_from_their_first_token(
    app: Flask, service: Client
) -> None:
    assert put(service, 7, 5).get_json()["owner_info"]["name"] == ""
    claims = {"email": "ada@example.com", "first_name": "Ada", "last_name": "L"}
    assert own(app, 5, **claims)["name"] == "Ada L"
    info = service.get("/api/ads/7/").get_json()["owner_info"]
    assert info == {"id": 5, "subject": "5", "email": "ada@example.com", "name": "Ada L"}
    assert own(app, 5, **{**claims, "first_name": "Eve"})["first_name"] == "Ada", "only the first"


@ON_SQLITE
def test_names_that_a_user_has_emptied_stay_empty(app: Flask, alice: Client) -> None:
    assert own(app, 5)["name"] == ""
    five = Client(app, signed(sub=5))
    assert five.patch("/api/users/5/", {"first_name": ""}).status_code == 200
    assert own(app, 5, first_name="Ada")["name"] == ""


@ON_SQLITE
def test_an_id_that_no_ad_can_have_is_404(app: Flask, service: Client) -> None:
    for ad in ["042", "0", "x", "-1", "1.0", "１", str(2**63), str(2**53)]:
        assert put(service, ad).status_code == 404, ad
    assert rows(app, Ad) == 0


INVALID: list[tuple[str, Any]] = [
    *(("owner", value) for value in (None, "", True, 0, -1, 2**63, 1.5, [1], {}, "x" * 129)),
    *(("owner", value) for value in ("a\x00b", "a\nb", "\ud800")),
    *(("is_sold", value) for value in (None, 1, "yes")),
    *(("price", value) for value in (850, "-1", "1.234")),
    ("title", ""),
    ("id", 7),
    ("created_at", "2026-01-01T00:00:00Z"),
]


@ON_SQLITE
def test_an_invalid_field_is_named_and_nothing_is_written(app: Flask, service: Client) -> None:
    for field, value in INVALID:
        refused = put(service, 7, **{"owner": 1, field: value})
        assert refused.status_code == 422
        assert list(refused.get_json()["errors"]) == [field], value
    assert rows(app, Ad) == 0


@ON_SQLITE
def test_a_required_field_must_be_there(service: Client) -> None:
    for field in ("owner", "title", "price"):
        body = whole(1)
        del body[field]
        refused = service.call("PUT", "/api/ads/7/", json=body)
        assert list(refused.get_json()["errors"]) == [field]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
BODIES = st.fixed_dictionaries(
    {"title": st.just("A") | JSON, "price": st.just("1.00") | JSON},
    optional={
        "owner": st.integers(1, 3) | st.text(min_size=1) | JSON,
        "description": JSON,
        "is_active": st.booleans() | JSON,
        "is_sold": st.booleans() | JSON,
    },
)
IDS = (
    st.integers(1, 20) | st.integers(ID_MAX - 3, ID_MAX + 3) | st.text("0123456789-+. ", min_size=1)
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ad=IDS, body=JSON | BODIES)
def test_any_id_and_body_is_answered_as_documented(
    app: Flask, service: Client, ad: int | str, body: Any
) -> None:
    """`Client.call` checks the status, and the body against the OpenAPI document."""
    answer = service.call("PUT", f"/api/ads/{ad}/", json=body)
    assert answer.status_code in (200, 201, 400, 404, 405, 409, 415, 422)
    if answer.status_code in (200, 201):
        assert answer.get_json()["id"] == int(ad) <= ID_MAX
