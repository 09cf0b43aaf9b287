"""`BROKER_ADS_CREATED_BY=service`: only the marketplace decides which ads exist."""

from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import ValidationError

from broker.db.models import Ad, IdempotencyKey
from tests.http.client import Client, rows
from tests.http.marketplace.ads import put

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = {"title": "A bicycle", "price": "850.00"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(ads_created_by="service")


def test_report_8_a_stranger_cannot_take_the_id_of_the_marketplaces_next_ad(
    app: Flask, bob: Client, service: Client
) -> None:
    assert put(service, 41).status_code == 201
    for headers in ({}, {"Idempotency-Key": "k"}):
        refused = bob.post("/api/ads/", NEW, headers=headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
        assert refused.get_json()["detail"] == "Only the marketplace itself may create ads here."
    assert (rows(app, Ad), rows(app, IdempotencyKey)) == (1, 0)
    assert put(service, 42).status_code == 201


def test_users_upload_for_edit_and_delete_the_ads_that_the_marketplace_put(
    alice: Client, bob: Client, service: Client
) -> None:
    put(service, 42, 1)
    assert alice.ticket(42).status_code == 201
    assert bob.ticket(42).status_code == 403
    assert alice.patch("/api/ads/42/", {"price": "1.00"}).status_code == 200
    assert alice.delete("/api/ads/42/").status_code == 204


def test_a_service_may_still_post(service: Client) -> None:
    assert service.post("/api/ads/", NEW).status_code == 201


@pytest.mark.parametrize("created_by", ["user", "service"])
def test_the_profiles_say_whether_users_may_create_ads(
    make_app: Callable[..., Flask], created_by: str
) -> None:
    found = Client(make_app(ads_created_by=created_by), None).get("/api/profiles/").get_json()
    may_create = {name: profile["users_create_owners"] for name, profile in found.items()}
    assert may_create == {"ad_image": created_by == "user", "avatar": False}


def test_another_value_stops_the_start(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(ValidationError, match="ads_created_by"):
        make_app(ads_created_by="nobody")
