"""The sign-in of `broker dev`: tokens that grant the owners that a developer opens."""

from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from flask import Flask

from broker.domain.grants import ENTRIES_MAX, Action, read_grants
from tests.http.client import Client
from tests.http.files.private_files import PROFILES

MakeApp = Callable[..., Flask]


@pytest.fixture
def app(make_app: MakeApp, tmp_path: Path) -> Flask:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    reader = {"private_access_key_id": "reader", "private_secret_access_key": "of the reader"}
    return make_app(dev=True, profiles_file=file, **reader)


def test_the_token_grants_every_action_for_the_named_owners_only(app: Flask) -> None:
    query = "owner=product_image/blue-chair&owner=invoice/7"
    bearer = Client(app, None).get(f"/dev/token?{query}").get_json()["token"]
    claims = jwt.decode(bearer, options={"verify_signature": False})
    grants, faults = read_grants(claims["authorization_details"])
    assert not faults
    assert grants.actions == {
        ("product_image", "blue-chair"): frozenset(Action),
        ("invoice", "7"): frozenset(Action),
    }
    developer = Client(app, bearer)
    assert developer.get("/api/owners/invoice/7/files/").status_code == 200
    assert developer.get("/api/owners/invoice/8/files/").status_code == 403


def test_without_owners_the_token_has_no_grants(app: Flask) -> None:
    bearer = Client(app, None).get("/dev/token").get_json()["token"]
    assert "authorization_details" not in jwt.decode(bearer, options={"verify_signature": False})


@pytest.mark.parametrize(
    "query",
    [
        "owner=unknown/7",
        "owner=ad_image/7",
        "owner=invoice",
        "owner=invoice/",
        "owner=invoice/a/b",
        "owner=invoice/7&owner=invoice/a%20b",
        "&".join(["owner=invoice/7"] * (ENTRIES_MAX + 1)),
    ],
    ids=["unknown", "by-table", "no-owner", "empty", "slash", "one-of-two", "too-many"],
)
def test_an_owner_that_a_grant_cannot_name_is_refused(app: Flask, query: str) -> None:
    answer = Client(app, None).get(f"/dev/token?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    assert "owner" in answer.get_json()["errors"]


def test_outside_of_broker_dev_there_is_no_such_token(make_app: MakeApp) -> None:
    answer = Client(make_app(), None).get("/dev/token?owner=invoice/7")
    assert answer.status_code == 404
