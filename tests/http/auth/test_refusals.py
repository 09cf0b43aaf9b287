"""Why a token is refused: a word in the log and in a metric, and a text for the client."""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from prometheus_client import REGISTRY

from broker.api.auth.refusals import TEXTS
from tests.http.auth.issuer import Issuer
from tests.http.client import SECRET, Client, token

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ISSUER = {"iss": "https://shop.example", "aud": "broker"}
NOT_VERIFIED = "The token cannot be verified."
# RFC 6750, section 3: the characters of an error_description, and no others.
CHALLENGE = re.compile(r'Bearer error="invalid_token", error_description="([ !#-\[\]-~]+)"')


@dataclass
class Refusal:
    """What the client and the log say about a refused token."""

    code: str
    text: str
    reason: str


@pytest.fixture
def refusal(caplog: pytest.LogCaptureFixture) -> Callable[[Flask, str], Refusal]:
    """Return a function that sends a token and checks that it is refused."""

    def send(app: Flask, bearer: str) -> Refusal:
        caplog.clear()
        before = {reason: refused(reason) for reason in TEXTS}
        answer = Client(app, bearer).get("/api/users/1/")
        assert answer.status_code == 401
        challenge = CHALLENGE.fullmatch(answer.headers["WWW-Authenticate"])
        assert challenge is not None, answer.headers["WWW-Authenticate"]
        assert challenge[1] == answer.get_json()["detail"]
        (line,) = [r.__dict__["lines"][0] for r in caplog.records if r.name == "broker.requests"]
        assert bearer not in str(line)
        counted = {reason: refused(reason) - before[reason] for reason in TEXTS}
        assert {reason for reason, count in counted.items() if count} == {line["reason"]}
        return Refusal(answer.get_json()["code"], challenge[1], line["reason"])

    return send


def refused(reason: str) -> float:
    found = REGISTRY.get_sample_value("broker_tokens_refused_total", {"reason": reason})
    return found or 0.0


def seconds(later: int) -> int:
    return int(time.time()) + later


def encoded(payload: bytes) -> str:
    return jwt.api_jws.encode(payload, SECRET, "HS256")


CASES: list[tuple[str, Callable[[], str]]] = [
    ("expired", lambda: token(1, **ISSUER, exp=seconds(-60))),
    ("not_yet_valid", lambda: token(1, **ISSUER, iat=seconds(60))),
    ("not_yet_valid", lambda: token(1, **ISSUER, nbf=seconds(60))),
    ("expiry_missing", lambda: token(1, **ISSUER, exp=None)),
    ("issuer_missing", lambda: token(1, aud="broker")),
    ("issuer_wrong", lambda: token(1, iss="https://evil.example", aud="broker")),
    ("issuer_wrong", lambda: encoded(b'{"sub":"1","exp":9999999999,"iss":1,"aud":"broker"}')),
    ("audience_missing", lambda: token(1, iss=ISSUER["iss"])),
    ("audience_wrong", lambda: token(1, iss=ISSUER["iss"], aud=["web", "app"])),
    ("subject_missing", lambda: jwt.encode({**ISSUER, "exp": seconds(60)}, SECRET)),
    ("subject_invalid", lambda: token("", **ISSUER)),
    ("token_type", lambda: token(1, **ISSUER, token_type="refresh")),
    ("token_type", lambda: token(1, **ISSUER, type="refresh")),
    ("signature", lambda: token(1, **ISSUER, secret="another-secret-of-32-bytes-or-more")),
    ("algorithm", lambda: jwt.encode({"sub": "1", "exp": seconds(60)}, None, "none")),
    ("algorithm", lambda: jwt.encode({"sub": "1"}, SECRET * 2, "HS512")),
    ("malformed", lambda: "a.b.c"),
    ("malformed", lambda: "abc"),
    ("malformed", lambda: encoded(b'{"sub":"1","exp":"soon"}')),
    ("malformed", lambda: encoded(b'{"sub":"1","exp":1e999}')),
    ("malformed", lambda: encoded(b"[" * 50_000)),
]


@pytest.mark.parametrize(("reason", "bearer"), CASES, ids=[reason for reason, _ in CASES])
def test_report_24_the_reason_of_a_refusal_is_in_the_log_and_in_the_challenge(
    make_app: Callable[..., Flask],
    refusal: Callable[[Flask, str], Refusal],
    reason: str,
    bearer: Callable[[], str],
) -> None:
    app = make_app(jwt_issuer=ISSUER["iss"], jwt_audience=ISSUER["aud"])
    assert Client(app, token(1, **ISSUER)).get("/api/users/1/").status_code == 200
    found = refusal(app, bearer())
    assert found.reason == reason
    assert found.code == ("token_expired" if reason == "expired" else "token_invalid")
    assert found.text == TEXTS[reason]


def test_report_24_keys_and_signatures_are_refused_with_one_text(
    make_app: Callable[..., Flask],
    issuer: Issuer,
    refusal: Callable[[Flask, str], Refusal],
) -> None:
    issuer.rotate("a")
    issuer.keys["large"] = ec.generate_private_key(ec.SECP384R1())
    app = make_app(jwt_algorithm="ES256", jwt_secret=None, jwt_jwks_url=issuer.url)
    good = issuer.token("a")
    assert Client(app, good).get("/api/users/1/").status_code == 200
    issuer.rotate("b")
    header, _, rest = good.partition(".")
    on_large = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"large"}').rstrip(b"=").decode()
    forged = ec.generate_private_key(ec.SECP256R1())
    signed = jwt.encode({"sub": "1"}, forged, "ES256", headers={"kid": "a"})
    for bearer, reason in (
        (issuer.token("b"), "unknown_key"),
        (f"{on_large}.{rest}", "key_unsuitable"),
        (signed, "signature"),
        (token(1), "algorithm"),
        (f"{header}.x", "malformed"),
    ):
        assert refusal(app, bearer) == Refusal("token_invalid", NOT_VERIFIED, reason)


def test_report_24_an_expired_token_of_another_issuer_is_not_called_expired(
    make_app: Callable[..., Flask], refusal: Callable[[Flask, str], Refusal]
) -> None:
    app = make_app(jwt_issuer=ISSUER["iss"])
    assert refusal(app, token(1, iss="x", exp=1)).reason == "issuer_wrong"


def test_a_request_without_a_token_has_a_challenge_without_an_error(app: Flask) -> None:
    answer = Client(app, None).post("/api/ads/", {"title": "x", "price": "1.00"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_report_24_the_leeway_is_a_setting(
    make_app: Callable[..., Flask], refusal: Callable[[Flask, str], Refusal]
) -> None:
    early = token(1, iat=seconds(25))
    assert refusal(make_app(), early).reason == "not_yet_valid"
    app = make_app(jwt_leeway=30)
    for bearer in (early, token(1, nbf=seconds(25)), token(1, exp=seconds(-15))):
        assert Client(app, bearer).get("/api/users/1/").status_code == 200
    assert refusal(app, token(1, iat=seconds(60))).reason == "not_yet_valid"
    assert refusal(make_app(jwt_leeway=0), token(1, exp=seconds(-1))).reason == "expired"


@pytest.mark.parametrize("role", ["seller", "", "SERVICE", 1, True, ["service"], {"service": 1}])
def test_report_24_any_other_role_is_a_user(app: Flask, role: object) -> None:
    Client(app, token(1)).get("/api/users/1/")
    stranger = Client(app, token(2, role=role))
    assert stranger.get("/api/users/1/").get_json()["email"] is None
    assert stranger.get("/api/users/2/").status_code == 200


def test_report_24_the_role_claim_and_the_role_of_a_service_are_settings(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(jwt_role_claim="https://shop.example/role", jwt_service_role="backend")
    Client(app, token(1)).get("/api/users/1/")

    def email_seen_by(**claims: Any) -> str | None:
        found = Client(app, token(900, **claims)).get("/api/users/1/").get_json()["email"]
        return str(found) if found else None

    assert email_seen_by(**{"https://shop.example/role": "backend"}) == "user1@example.com"
    assert email_seen_by(role="service") is None
    assert email_seen_by(role="backend") is None
    assert email_seen_by(**{"https://shop.example/role": "service"}) is None
