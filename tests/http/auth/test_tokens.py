"""Tokens of each configurable kind, and an issuer that rotates its keys or is down."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from broker.api.auth import jwks
from broker.api.auth.jwks import REFETCH_SECONDS, RETRY_SECONDS, KeySet, KeysUnavailable
from tests.http.client import Client, token


class Issuer:
    """An HTTP server that publishes keys and counts its requests."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked = 0
        self.down = self.hangs_up = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                if issuer.hangs_up:
                    # Closes the connection with a reset, like a restarting proxy.
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                published = [
                    json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid}
                    for kid, key in issuer.keys.items()
                ]
                self.send_response(503 if issuer.down else 200)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": published}).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def rotate(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def token(self, kid: str) -> str:
        claims = {"sub": "1", "exp": int(time.time()) + 60}
        return jwt.encode(claims, self.keys[kid], "ES256", headers={"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    thread = threading.Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


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


def test_an_unknown_kid_refetches_keys_at_most_once_a_minute(issuer: Issuer) -> None:
    issuer.rotate("a")
    now = 1000.0
    keys = KeySet(issuer.url, clock=lambda: now)
    assert keys.key("a") is not None
    issuer.rotate("b")
    for _ in range(5):
        assert keys.key("b") is None
    assert issuer.asked == 1
    now += REFETCH_SECONDS
    assert keys.key("b") is not None
    assert issuer.asked == 2
    issuer.down = True
    now += REFETCH_SECONDS
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            keys.key("c")
    assert keys.key("a") is not None
    assert issuer.asked == 3
    issuer.down = False
    now += RETRY_SECONDS
    assert keys.key("c") is None
    assert issuer.asked == 4


@pytest.mark.parametrize("fault", ["down", "hangs_up"])
def test_while_the_issuer_returns_no_keys_a_token_is_not_called_invalid(
    make_app: Callable[..., Flask], issuer: Issuer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Otherwise clients would sign their users out."""
    monkeypatch.setattr(jwks, "RETRY_SECONDS", 0.0)
    issuer.rotate("a")
    setattr(issuer, fault, True)
    app = make_app(jwt_algorithm="ES256", jwt_secret=None, jwt_jwks_url=issuer.url)
    alice = Client(app, issuer.token("a"))
    for path in ("/api/users/1/", "/api/ads/"):
        answer = alice.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "keys_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert Client(app, None).get("/api/ads/").status_code == 200
    setattr(issuer, fault, False)
    assert alice.get("/api/users/1/").status_code == 200


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
