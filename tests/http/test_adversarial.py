"""Attacks on the API. The number in a test's name is the number of the case."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from broker.db.models import Image, Upload
from tests.http.client import EACH_SERVER, JPEG, Client, at_once, declared, rows, send, token


def test_case_01_ticket_for_another_users_ad(app: Flask, alice: Client, bob: Client) -> None:
    ad = alice.ad()
    for path, body in (
        (f"/api/ads/{ad}/upload_image/", declared()),
        (f"/api/ads/{ad}/upload_images/", {"files": [declared()]}),
    ):
        answer = bob.post(path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    assert rows(app, Upload) == 0


def test_case_02_ticket_for_another_users_avatar(app: Flask, alice: Client, bob: Client) -> None:
    alice.get("/api/users/1/")
    assert bob.post("/api/users/1/upload_avatar/", declared()).status_code == 403
    assert bob.post("/api/users/77/upload_avatar/", declared()).status_code == 403
    assert rows(app, Upload) == 0


@pytest.mark.parametrize("value", [None, "Bearer", "Bearer x", "Bearer a.b.c", "Basic eDp5", "x"])
def test_case_03_no_bearer_or_a_garbled_one(app: Flask, value: str | None) -> None:
    headers = {} if value is None else {"Authorization": value}
    answer = Client(app, None, headers).post("/api/ads/", {"title": "x", "price": "1.00"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_case_04_alg_none(app: Flask) -> None:
    unsigned = jwt.encode({"sub": "1", "exp": int(time.time()) + 60}, None, "none")
    assert Client(app, unsigned).get("/api/users/1/").status_code == 401


def test_case_05_hs256_signed_with_the_public_key(make_app: Callable[..., Flask]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    app = make_app(jwt_algorithm="RS256", jwt_secret=None, jwt_public_key=pem.decode())
    claims = {"sub": "1", "exp": int(time.time()) + 60}
    good = jwt.encode(claims, key, "RS256")
    assert Client(app, good).get("/api/users/1/").status_code == 200

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    forged = signed + b"." + part(hmac.new(pem, signed, hashlib.sha256).digest())
    assert Client(app, forged.decode()).get("/api/users/1/").status_code == 401


@pytest.mark.parametrize("exp", [None, 1, "just past", "soon"], ids=str)
def test_case_06_exp_past_or_missing(app: Flask, exp: object) -> None:
    if exp == "soon":
        bad = jwt.api_jws.encode(b'{"sub":"1","exp":"soon"}', "x" * 32, "HS256")
    elif exp == "just past":
        bad = token(1, exp=int(time.time()) - 11)
    else:
        bad = token(1, exp=exp)
    answer = Client(app, bad).get("/api/users/1/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_case_07_wrong_audience_or_issuer(make_app: Callable[..., Flask]) -> None:
    app = make_app(jwt_issuer="https://market.example", jwt_audience="broker")
    right = {"iss": "https://market.example", "aud": "broker"}
    assert Client(app, token(1, **right)).get("/api/users/1/").status_code == 200
    for change in ({"aud": "other"}, {"aud": None}, {"iss": "https://evil.example"}, {"iss": None}):
        assert Client(app, token(1, **{**right, **change})).get("/api/users/1/").status_code == 401


@pytest.mark.parametrize("sub", ["01", "0", "-1", "x", "1 ", "9" * 19, "1.0", "１"])
def test_a_sub_that_only_resembles_an_id_is_another_user(app: Flask, sub: str) -> None:
    ad = Client(app, token(1)).ad()
    other = Client(app, token(sub))
    assert other.get("/api/users/me/").get_json()["id"] >= 2**52
    assert other.ticket(ad).status_code == 403
    assert other.post("/api/users/1/upload_avatar/", declared()).status_code == 403


@pytest.mark.parametrize("sub", ["", "1\x00", "1\n", "x" * 129])
def test_a_sub_that_names_no_user_is_refused(app: Flask, sub: str) -> None:
    assert Client(app, token(sub)).get("/api/profiles/").status_code in (200, 401)
    assert Client(app, token(sub)).post("/api/ads/", {"title": "x"}).status_code == 401


def test_case_08_file_name_that_climbs(alice: Client) -> None:
    ad = alice.ad()
    for name in (
        "../../ad_2/x.jpg",
        "..\\..\\ad_2\\x.jpg",
        "/etc/x",
        "%2e%2e%2fx.jpg",
        "...",
        "ü.svg",
    ):
        key = alice.ticket(ad, file_name=name).get_json()["key"]
        folder, _, last = key.rpartition("/")
        assert folder == f"ads/ad_{ad}"
        assert last.endswith(".jpg")
        assert last.count(".") == 1


def test_case_16_confirm_before_the_upload(alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    early = alice.post(ticket["confirm_url"])
    assert (early.status_code, early.get_json()["code"]) == (409, "object_missing")
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "pending"
    assert send(ticket).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 200


def test_case_17_another_users_upload(alice: Client, bob: Client, service: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    upload = f"/api/uploads/{ticket['id']}/"
    assert bob.post(ticket["confirm_url"]).status_code == 404
    assert bob.get(upload).status_code == 404
    assert bob.delete(upload).status_code == 404
    assert bob.post(f"{upload}renew/").status_code == 404
    assert bob.post(f"{upload}failures/", {"code": "SlowDown"}).status_code == 404
    assert service.post(ticket["confirm_url"]).status_code == 200


def test_case_18_confirm_twice(app: Flask, alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    first, second = alice.post(ticket["confirm_url"]), alice.post(ticket["confirm_url"])
    assert first.get_json() == second.get_json()
    assert rows(app, Image) == 1


def test_case_19_twenty_confirms_at_once(app: Flask, alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    answers = at_once(20, lambda: alice.post(ticket["confirm_url"]))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.text for answer in answers}) == 1
    assert rows(app, Image) == 1


@EACH_SERVER
def test_case_20_the_form_replayed_with_other_bytes(app: Flask, alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    image = alice.post(ticket["confirm_url"]).get_json()
    other = bytes(reversed(JPEG))
    if alice.server.proves_digests:
        assert send(ticket, other).status_code == 400
        head = app.extensions["broker"].storage.head(ticket["upload"]["fields"]["key"])
        assert head.checksum_sha256 == declared()["checksum_sha256"]
    else:
        assert send(ticket, other).status_code == 201
    assert httpx.get(image["image_url"]).content == JPEG


@EACH_SERVER
def test_case_20_without_a_digest_the_form_only_writes_below_incoming(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(require_checksum=False)
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad(), checksum_sha256=None).get_json()
    assert ticket["upload"]["fields"]["key"] == f"incoming/{ticket['key']}"
    assert send(ticket).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 200
    storage = app.extensions["broker"].storage
    etag = storage.head(f"media/{ticket['key']}").etag
    assert send(ticket, bytes(reversed(JPEG))).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert storage.head(f"media/{ticket['key']}").etag == etag


def test_twenty_concurrent_tickets_for_the_last_slot_issue_one(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    files = {"files": [declared()] * 19}
    assert alice.post(f"/api/ads/{ad}/upload_images/", files).status_code == 201
    answers = at_once(20, lambda: alice.ticket(ad))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * 19
    assert rows(app, Upload) == 20
