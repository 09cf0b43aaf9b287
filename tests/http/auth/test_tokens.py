"""Tokens of each configurable kind, and an issuer that is down."""

import time
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from tests.http.auth.issuer import Issuer
from tests.http.client import Client, token


def test_keys_are_fetched_from_the_jwks_url_and_survive_its_outage(
    make_app: Callable[..., Flask], issuer: Issuer
) -> None:
    issuer.rotate("a")
    app = make_app(jwt_algorithm="ES256", jwt_secret=None, jwt_jwks_url=issuer.url)
    good = Client(app, issuer.token("a"))
    assert good.get("/api/users/1/").status_code == 200
    issuer.down = True
    assert good.get("/api/users/1/").status_code == 200
    assert issuer.asked == 1
    assert Client(app, token(1)).get("/api/users/1/").status_code == 401


def test_an_es256_key_may_be_configured_as_pem(make_app: Callable[..., Flask]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    app = make_app(jwt_algorithm="ES256", jwt_secret=None, jwt_public_key=pem.decode())
    claims = {"sub": "1", "exp": int(time.time()) - 5}
    # Within the leeway of 10 s.
    assert Client(app, jwt.encode(claims, key, "ES256")).get("/api/users/1/").status_code == 200


def test_the_first_use_of_a_token_creates_the_user_from_its_claims(app: Flask) -> None:
    named = Client(app, token(5, first_name="Jo\x00hn", last_name=7, email="j@example.com"))
    profile = named.get("/api/users/5/").get_json()
    assert profile["name"] == "John"
    assert profile["email"] == "j@example.com"
    assert named.get("/api/users/6/").status_code == 404
