"""Users are named by any subject, and no subject gets another one's id."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from flask import Flask

from broker.domain.subjects import MAPPED_MAX, MAPPED_MIN
from tests.http.client import SECRET, Client, at_once, declared, token

UUID_SUBJECT = "0f2b6c1e-7a53-4c61-9d1b-2f6f2f6d5a11"
STRINGS = [
    UUID_SUBJECT,
    "auth0|62c",
    *("01", "0", "-1", "+1", "1 ", " 1", "1.0", "1e3", "１", "٣"),
    *(str(2**52), str(2**53), str(2**63), "9" * 128),
    *("Ada", "ada", "ADA", "é", "e\u0301", "ß", "ss", "x" * 128, "😀" * 128),
    *("me", "'; --", "%", "_", " ", "  "),
]


def signed(**claims: Any) -> str:
    """Sign claims of any type; a claim set to None is left out."""
    body = {"exp": int(time.time()) + 3600, **claims}
    return jwt.api_jws.encode(
        json.dumps({name: value for name, value in body.items() if value is not None}).encode(),
        SECRET,
        "HS256",
    )


def own(app: Flask, sub: Any, **claims: Any) -> dict[str, Any]:
    answer = Client(app, signed(sub=sub, **claims)).get("/api/users/me/")
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def test_report_24_a_decimal_subject_below_2_to_the_52_is_the_id(app: Flask) -> None:
    for subject in (1, 7, 2**52 - 1):
        assert own(app, str(subject))["id"] == subject
        assert own(app, subject)["id"] == subject, "an integer claim"
        assert own(app, subject)["subject"] == str(subject)


def test_report_24_any_other_subject_has_an_id_of_its_own_that_javascript_reads_exactly(
    app: Flask,
) -> None:
    profiles = [own(app, subject) for subject in STRINGS]
    assert [profile["subject"] for profile in profiles] == STRINGS
    ids = [profile["id"] for profile in profiles]
    assert len(set(ids)) == len(STRINGS)
    assert all(MAPPED_MIN <= one <= MAPPED_MAX < 2**53 for one in ids)
    assert [own(app, subject, jti=str(uuid4()))["id"] for subject in STRINGS] == ids


def test_report_24_a_claim_that_names_no_user_is_refused(app: Flask) -> None:
    texts = ("", "x" * 129, "a\x00", "a\nb", "\x7f", "\x85", "\ud800")
    for sub in (*texts, None, True, False, 1.0, 1.5, [], ["1"], {"id": 1}, 10**200):
        answer = Client(app, signed(sub=sub)).get("/api/users/me/")
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_invalid"), repr(sub)
        if sub is not None:
            assert "must be a string of 1 to 128 characters" in answer.get_json()["detail"]


def test_report_24_a_setting_names_the_claim(make_app: Callable[..., Flask]) -> None:
    app = make_app(jwt_user_claim="https://shop.example/uid")
    named = {"https://shop.example/uid": "auth0|7"}
    assert own(app, "1", **named)["subject"] == "auth0|7"
    assert own(app, None, **named)["subject"] == "auth0|7"
    assert own(app, 5.5, **named)["subject"] == "auth0|7"
    assert own(app, "1", **{"https://shop.example/uid": 7})["id"] == 7
    refused = Client(app, token(1)).get("/api/users/me/")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "token_invalid")


def test_report_24_broker_dev_signs_the_claim_that_is_configured(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(jwt_user_claim="uid", dev=True)
    found = app.test_client().get("/dev/token", base_url="http://localhost").get_json()["token"]
    answer = Client(app, found).call("GET", "/api/users/me/", base_url="http://localhost")
    assert answer.get_json()["id"] == 1


def test_report_24_a_mapped_user_sells_and_has_an_avatar(app: Flask) -> None:
    ada, bob = Client(app, token("auth0|ada")), Client(app, token("auth0|bob"))
    me = ada.get("/api/users/me/").get_json()
    assert MAPPED_MIN <= me["id"] <= MAPPED_MAX
    ad = ada.post("/api/ads/", {"title": "bicycle", "price": "5.00"}).get_json()
    assert ad["owner"] == me["id"]
    path = f"/api/users/{me['id']}/"
    assert ada.get(path).get_json() == me
    ticket = ada.post(f"{path}upload_avatar/", declared())
    assert ticket.status_code == 201, ticket.get_json()
    assert ticket.get_json()["key"].startswith(f"avatars/user_{me['id']}/")
    photo = ada.post(f"/api/ads/{ad['id']}/upload_image/", declared())
    assert photo.status_code == 201
    assert bob.post(f"{path}upload_avatar/", declared()).status_code == 403
    assert bob.post(f"/api/ads/{ad['id']}/upload_image/", declared()).status_code == 403
    assert bob.get(f"/api/uploads/{photo.get_json()['id']}/").status_code == 404
    listed = ada.get(f"/api/ads/?owner={me['id']}").get_json()["results"]
    assert [one["id"] for one in listed] == [ad["id"]]


def test_report_24_the_subject_is_shown_to_its_user_and_to_services_only(app: Flask) -> None:
    ada, bob = Client(app, token("auth0|ada")), Client(app, token("auth0|bob"))
    service = Client(app, token("billing", role="service"))
    me = ada.get("/api/users/me/").get_json()
    ad = ada.post("/api/ads/", {"title": "bicycle", "price": "5.00"}).get_json()["id"]
    for caller, subject in (
        *((ada, "auth0|ada"), (service, "auth0|ada")),
        *((bob, None), (Client(app, None), None)),
    ):
        assert caller.get(f"/api/users/{me['id']}/").get_json()["subject"] == subject
        assert caller.get(f"/api/ads/{ad}/").get_json()["owner_info"]["subject"] == subject


def test_report_24_a_service_may_have_any_subject(app: Flask) -> None:
    user, other = Client(app, token(1)), Client(app, token("crm", role="service"))
    service = Client(app, token("urn:billing", role="service"))
    ad = user.post("/api/ads/", {"title": "bicycle", "price": "5.00"}).get_json()["id"]
    path, key = f"/api/ads/{ad}/upload_image/", {"Idempotency-Key": "one"}
    first = service.post(path, declared(), headers=key).get_json()
    assert service.post(path, declared(), headers=key).get_json()["id"] == first["id"]
    assert other.post(path, declared(), headers=key).get_json()["id"] != first["id"]
    assert user.post(path, declared(), headers=key).get_json()["id"] != first["id"]
    assert user.get(f"/api/uploads/{first['id']}/").status_code == 200


def test_report_24_me_needs_a_token_and_works_without_the_slash(app: Flask) -> None:
    missing = Client(app, None).get("/api/users/me/")
    assert (missing.status_code, missing.get_json()["code"]) == (401, "token_missing")
    assert Client(app, token("auth0|ada")).get("/api/users/me").status_code == 200


@pytest.mark.parametrize("number", [1, 2**52 - 1, 2**52, 2**53 - 1, 2**53])
def test_report_24_paths_accept_ids_up_to_2_to_the_53(app: Flask, number: int) -> None:
    client = Client(app, token(3))
    answer = client.get(f"/api/users/{number}/")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    answer = client.post(f"/api/users/{number}/upload_avatar/", declared())
    assert answer.get_json()["code"] == "forbidden"


def test_report_24_first_requests_of_new_subjects_at_once(app: Flask) -> None:
    """Twenty requests of one subject get one id, and twenty subjects get twenty ids."""
    same = at_once(20, lambda: own(app, "auth0|new", jti=str(uuid4()))["id"])
    assert len(set(same)) == 1
    different = at_once(20, lambda: own(app, str(uuid4()))["id"])
    assert len({*different, *same}) == 21
