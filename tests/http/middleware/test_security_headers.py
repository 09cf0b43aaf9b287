"""The security headers of answers: no script, no frame, no cache, no other origin."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.http.client import Client, declared, token

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]
ORIGIN = "https://shop.example"
FOREIGN = [
    "https://shop.example.evil.test",
    "https://evilshop.example",
    "https://shopxexample",
    "https://sub.shop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example.",
    "https://shop.example/",
    "https://shop.example@evil.test",
    "https://evil.test",
    "null",
    "*",
    "",
]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/web/app.js", "/docs/", "/docs/errors", "/docs/swagger-ui-bundle.js"),
        *("/docs/oauth2-redirect.html", "/openapi.json", "/api/ads/", "/api/users/1/", "/no"),
        *("/healthz", "/readyz", "/metrics", "/web/none.js"),
    ],
)
def test_every_answer_has_a_strict_content_security_policy(app: Flask, path: str) -> None:
    with app.test_client().get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_hsts_is_sent_if_configured(make_app: MakeApp) -> None:
    answer = make_app(hsts_seconds=31536000).test_client().get("/healthz")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_answers_for_one_user_are_not_cached(make_app: MakeApp) -> None:
    app = make_app(dev=True)
    alice, ad = Client(app, token(1)), Client(app, token(1)).ad()
    ticket = alice.post(f"/api/ads/{ad}/upload_image/", declared())
    for answer in (
        ticket,
        alice.get("/api/users/me/"),
        alice.get("/dev/token"),
        alice.get("/api/x"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def shop(make_app: MakeApp) -> Flask:
    return make_app(cors_origins=(ORIGIN,))


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_gets_no_cors(shop: Flask, origin: str) -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    for method, more in (("GET", {}), ("OPTIONS", preflight), ("POST", {})):
        answer = shop.test_client().open(
            "/api/ads/", method=method, headers={"Origin": origin, **more}
        )
        cors = [name for name, _ in answer.headers if name.startswith("Access-Control-")]
        assert cors == []
        assert "Origin" in answer.vary


def test_an_allowed_origin_gets_cors_without_credentials(shop: Flask) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = shop.test_client().options("/api/ads/", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.vary


def test_a_browser_may_keep_the_answer_to_a_preflight_for_two_hours(shop: Flask) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = shop.test_client().options("/api/ads/1/upload_images/", headers=asked)
    assert answer.headers["Access-Control-Max-Age"] == "7200"


def test_an_origin_in_capitals_is_answered_in_lower_case_or_not_at_all(
    shop: Flask,
) -> None:
    answer = shop.test_client().get("/api/ads/", headers={"Origin": ORIGIN.upper()})
    given = answer.headers.get("Access-Control-Allow-Origin", "")
    assert given.lower() in ("", ORIGIN)


@pytest.mark.parametrize("origin", [ORIGIN, *FOREIGN])
def test_without_configured_origins_nobody_gets_cors(app: Flask, origin: str) -> None:
    answer = app.test_client().get("/api/ads/", headers={"Origin": origin})
    assert [name for name, _ in answer.headers if name.startswith("Access-Control-")] == []
