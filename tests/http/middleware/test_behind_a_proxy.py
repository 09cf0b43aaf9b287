"""The address of a client and the host of the API cannot be forged."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.http.client import Client, token
from tests.servers.counters import Counters

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]
PEER = "127.0.0.1"


def limited_address(app: Flask, forwarded: str | None, peer: str = PEER) -> int:
    """Send a request with X-Forwarded-For; return the status."""
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP")
    values = (forwarded, forwarded, f"for={forwarded}", forwarded)
    headers = dict(zip(names, values, strict=True)) if forwarded is not None else {}
    asked = Client(app, None).get(
        "/api/profiles/", headers=headers, environ_base={"REMOTE_ADDR": peer}
    )
    return asked.status_code


@pytest.fixture
def limited(make_app: MakeApp, counters_server: Counters) -> MakeApp:
    counters_server.client().flushall()
    return lambda **changes: make_app(
        rate_limit_storage_url=counters_server.url, rate_limit_address="1/minute", **changes
    )


def test_a_forged_x_forwarded_for_does_not_change_the_address_that_is_limited(
    limited: MakeApp,
) -> None:
    app = limited()
    assert limited_address(app, "203.0.113.1") == 200
    assert limited_address(app, "203.0.113.2") == 429
    assert limited_address(app, "203.0.113.3, 127.0.0.1") == 429


def test_the_right_most_untrusted_address_of_a_trusted_proxy_counts(
    limited: MakeApp,
) -> None:
    app = limited(trusted_proxies="127.0.0.1,10.0.0.0/8")
    assert limited_address(app, "203.0.113.1") == 200
    assert limited_address(app, "198.51.100.7, 203.0.113.1") == 429, "left of it is invented"
    assert limited_address(app, "203.0.113.1, 10.1.2.3") == 429, "through two proxies"
    assert limited_address(app, "203.0.113.2") == 200
    assert limited_address(app, "203.0.113.2", peer="192.0.2.9") == 200, "past the proxy"
    assert limited_address(app, "203.0.113.5", peer="192.0.2.9") == 429


FORGED = ["evil.test", "evil.test:8000", "localhost.evil.test", "shop.example.evil.test", "x@y"]


@pytest.mark.parametrize("host", FORGED)
def test_a_forged_host_appears_in_no_link(make_app: MakeApp, host: str) -> None:
    app = make_app()
    alice = Client(app, token(1))
    path = f"/api/ads/{alice.ad()}/uppy_session/"
    answer = alice.post(path, headers={"Host": host})
    assert (answer.status_code, answer.get_json()["code"]) in (
        (503, "uppy_not_configured"),
        (400, "bad_request"),  # no host at all
    )
    assert "evil" not in answer.text
    assert alice.post(path).get_json()["endpoint"].startswith("http://localhost/")


@pytest.mark.parametrize("host", FORGED)
def test_an_unknown_host_is_refused_if_hosts_are_configured(make_app: MakeApp, host: str) -> None:
    app = make_app(public_url="https://broker.shop.example", allowed_hosts=".internal.example")
    alice = Client(app, token(1))
    for path in ("/api/users/1/", "/", "/no"):
        answer = app.test_client().get(path, headers={"Host": host})
        assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    for known in ("broker.shop.example", "broker.shop.example:8443", "a.internal.example"):
        assert alice.get("/api/users/1/", headers={"Host": known}).status_code == 200
    for path in ("/healthz", "/readyz", "/metrics"):
        assert alice.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_links_use_the_public_url_for_any_forwarded_header(make_app: MakeApp) -> None:
    app = make_app(public_url="https://broker.shop.example", trusted_proxies="127.0.0.1")
    alice = Client(
        app,
        token(1),
        {
            "Host": "localhost:8000",
            "X-Forwarded-Host": "evil.test",
            "X-Forwarded-Proto": "http",
            "Forwarded": "host=evil.test;proto=http",
        },
    )
    answer = alice.post(f"/api/ads/{alice.ad()}/uppy_session/")
    assert answer.get_json()["endpoint"].startswith("https://broker.shop.example/api/uppy/")


def test_dev_answers_only_to_names_of_this_machine(make_app: MakeApp) -> None:
    anyone = Client(make_app(dev=True), None)
    rebound = anyone.get("/dev/token", headers={"Host": "evil.test:8000"})
    assert rebound.status_code == 400, "a page of evil.test, whose name leads to 127.0.0.1"
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert anyone.get("/dev/token", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "//evil.test/docs", "//api//ads/", "/docs/index.html"])
def test_no_redirect_names_a_host(app: Flask, path: str) -> None:
    with app.test_client().get(path, headers={"Host": "evil.test"}) as answer:
        assert "evil" not in answer.headers.get("Location", "")
        assert "evil" not in answer.text
