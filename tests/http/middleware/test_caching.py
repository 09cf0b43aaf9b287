"""What caches may store: the answers that everyone without a token gets, and no others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from broker.db.models import Image
from broker.domain.errors import DatabaseUnavailable
from broker.services.marketplace import ads
from tests.http.client import Client, send, token
from tests.http.files.private_files import granted
from tests.servers.counters import Counters
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]
ORIGIN = "https://shop.example"
PUBLIC = "public, max-age=0, s-maxage=10"
PROFILES = """
[invoice]
prefix = "invoices/order_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
inspection = "off"
"""


@pytest.fixture
def app(make_app: MakeApp, s3_bucket: Bucket, tmp_path: Path) -> Flask:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(profiles_file=tmp_path / "profiles.toml", **private_key(s3_bucket))


@pytest.fixture
def ad(alice: Client) -> int:
    """Return an ad with one image."""
    ad = alice.ad()
    ticket = alice.ticket(ad, alt_text="front").get_json()
    send(ticket)
    assert alice.post(ticket["confirm_url"]).status_code == 200
    return ad


def public_reads(ad: int) -> list[str]:
    return [
        f"/api/ads/{ad}/",
        "/api/ads/?limit=5",
        f"/api/owners/ad_image/{ad}/files/",
        "/api/users/1/",
        "/api/profiles/",
    ]


def is_stored(answer: TestResponse) -> bool:
    return answer.headers["Cache-Control"] == PUBLIC


def test_every_get_that_accepts_a_token_but_needs_none_is_a_public_read(app: Flask) -> None:
    """A new route that anyone may read must be marked, so that its answers are kept apart."""
    optional = {
        rule.rule: getattr(app.view_functions[rule.endpoint], "is_public_read", False)
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "auth", None) == "optional"
    }
    assert optional
    assert set(optional.values()) == {True}
    others = [view for view in app.view_functions.values() if hasattr(view, "is_public_read")]
    assert {getattr(view, "auth", None) for view in others} == {"optional"}


def test_an_answer_without_a_token_is_for_everyone_and_one_to_a_token_for_nobody_else(
    anyone: Client, alice: Client, bob: Client, service: Client, ad: int
) -> None:
    for path in public_reads(ad):
        stranger = anyone.get(path)
        assert (stranger.status_code, is_stored(stranger)) == (200, True)
        assert stranger.vary.as_set() == {"authorization"}
        for client in (alice, bob, service):
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert answer.vary.as_set() == {"authorization"}
            assert "ETag" not in answer.headers


def test_the_answer_that_is_stored_has_nothing_that_only_the_owner_sees(
    anyone: Client, alice: Client, ad: int
) -> None:
    for path in public_reads(ad)[:4]:
        owner, stranger = alice.get(path).text, anyone.get(path).text
        assert owner != stranger
        for secret in ("user@example.com", "main.jpg"):
            assert secret not in stranger
    assert "main.jpg" in alice.get(public_reads(ad)[2]).text


BAD_TOKENS = ["Bearer x", "Bearer", "", " ", "Basic eA==", f"Bearer {token(1, exp=1)}"]


def test_an_answer_to_a_bad_token_is_stored_nowhere(anyone: Client, ad: int) -> None:
    for authorization in BAD_TOKENS:
        for path in public_reads(ad):
            headers = {"Authorization": authorization, "If-None-Match": "*"}
            answer = anyone.get(path, headers=headers)
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert answer.vary.as_set() == {"authorization"}
            assert answer.status_code in (200, 401)
            assert "ETag" not in answer.headers


def test_errors_are_stored_nowhere(anyone: Client, alice: Client) -> None:
    for path in (
        "/api/ads/999/",
        "/api/ads/?limit=0",
        "/api/ads/?cursor=x",
        "/api/owners/ad_image/999/files/",
        "/api/owners/nothing/1/files/",
        "/api/users/999/",
        "/api/nothing/",
    ):
        answer = anyone.get(path, headers={"If-None-Match": "*"})
        assert answer.status_code in (404, 422)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
    assert alice.get("/api/ads/999/").headers["Cache-Control"] == "private, no-store"
    # Other requests of /api/ are as before: only their caller may see the answers.
    assert alice.get("/api/users/me/").headers["Cache-Control"] == "no-store"
    assert anyone.post("/api/ads/", {}).headers["Cache-Control"] == "no-store"


def test_a_list_of_private_files_is_never_stored(
    app: Flask, anyone: Client, service: Client
) -> None:
    path = "/api/owners/invoice/7/files/"
    for client, status in ((anyone, 401), (service, 200), (granted(app, "invoice", "7"), 200)):
        answer = client.get(path, headers={"If-None-Match": "*"})
        assert answer.status_code == status
        assert "no-store" in answer.headers["Cache-Control"]
        assert "public" not in answer.headers["Cache-Control"]
        assert "ETag" not in answer.headers
        assert answer.vary.as_set() == {"authorization"}


# Values of If-None-Match, and whether they name the current ETag (RFC 9110, section 13.1.2).
NAMES_IT = {
    "{etag}": True,
    "W/{etag}": True,
    '"a", {etag}': True,
    '"a",W/"b" , W/{etag},"c"': True,
    "*": True,
    '"a"': False,
    'W/"a", "b"': False,
    "": False,
    '"': False,
    '"*"': False,
}


def test_a_client_that_has_the_answer_gets_304_without_it(anyone: Client, ad: int) -> None:
    for path in public_reads(ad):
        first = anyone.get(path)
        etag = first.headers["ETag"]
        assert etag.startswith('"')
        for wanted, names_it in NAMES_IT.items():
            for method in ("GET", "HEAD"):
                headers = {"If-None-Match": wanted.format(etag=etag)}
                answer = anyone.call(method, path, headers=headers)
                assert answer.status_code == (304 if names_it else 200), wanted
                for name in ("ETag", "Vary", "Cache-Control", "Content-Security-Policy"):
                    assert answer.headers[name] == first.headers[name]
                if names_it:
                    assert "Content-Type" not in answer.headers
                    assert "Content-Length" not in answer.headers
                else:
                    assert answer.headers["Content-Length"] == str(len(first.data))
                sent = method == "GET" and not names_it
                assert answer.data == (first.data if sent else b"")


def test_the_etag_changes_with_every_change_that_a_stranger_sees(
    app: Flask, anyone: Client, alice: Client, ad: int
) -> None:
    path = f"/api/ads/{ad}/"
    seen = {anyone.get(path).headers["ETag"]}
    (image,) = anyone.get(path).get_json()["images"]
    for change in (
        lambda: alice.patch(path, {"title": "Another bicycle"}),
        lambda: alice.patch(f"{path}images/{image['id']}/", {"alt_text": "back"}),
        lambda: alice.patch("/api/users/1/", {"first_name": "Jane"}),
        lambda: alice.post(f"{path}mark_sold/"),
        lambda: alice.delete(f"{path}images/{image['id']}/"),
    ):
        assert change().status_code in (200, 204)
        answer = anyone.get(path, headers={"If-None-Match": ", ".join(seen)})
        assert answer.status_code == 200
        assert answer.headers["ETag"] not in seen
        seen.add(answer.headers["ETag"])
    # What only its owner sees changes nothing for others.
    tagged = anyone.get(f"/api/owners/ad_image/{ad}/files/").headers["ETag"]
    with app.extensions["broker"].database.session() as session:
        session.execute(update(Image).values(file_name="x.jpg"))
        session.commit()
    assert anyone.get(f"/api/owners/ad_image/{ad}/files/").headers["ETag"] == tagged


def test_methods_that_read_nothing_have_no_etag(app: Flask, ad: int) -> None:
    for method in ("OPTIONS", "POST"):
        answer = app.test_client().open(f"/api/ads/{ad}/", method=method)
        assert "ETag" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_304_has_the_cors_headers_of_200(make_app: MakeApp) -> None:
    anyone = Client(make_app(cors_origins=(ORIGIN,)), None)
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.test", None), (None, None)):
        headers = {} if origin is None else {"Origin": origin}
        first = anyone.get("/api/ads/", headers=headers)
        again = anyone.get("/api/ads/", headers={**headers, "If-None-Match": "*"})
        assert (first.status_code, again.status_code) == (200, 304)
        for answer in (first, again):
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            assert answer.vary.as_set() == {"origin", "authorization"}
            assert len(answer.headers.getlist("Vary")) == 1
        exposed = first.headers.get("Access-Control-Expose-Headers")
        assert again.headers.get("Access-Control-Expose-Headers") == exposed


def test_zero_seconds_store_nothing(make_app: MakeApp) -> None:
    anyone = Client(make_app(public_max_age=0), None)
    answer = anyone.get("/api/ads/", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in answer.headers
    assert answer.vary.as_set() == {"authorization"}


def test_the_seconds_are_those_of_the_setting(make_app: MakeApp) -> None:
    anyone = Client(make_app(public_max_age=60), None)
    assert anyone.get("/api/ads/").headers["Cache-Control"] == "public, max-age=0, s-maxage=60"


def test_a_refusal_by_a_rate_limit_and_a_database_that_is_down_are_stored_nowhere(
    make_app: MakeApp, counters_server: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters_server.client().flushall()
    app = make_app(rate_limit_storage_url=counters_server.url, rate_limit_address="8/minute")

    def down(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("not now")

    monkeypatch.setattr(ads, "existing_view", down)
    statuses = set()
    for _ in range(3):
        for sent, stored in (
            ({}, "no-store"),
            ({"Authorization": f"Bearer {token(1)}"}, "private, no-store"),
        ):
            for method in ("GET", "HEAD"):
                headers = {"If-None-Match": "*", **sent}
                answer = app.test_client().open("/api/ads/1/", method=method, headers=headers)
                statuses.add((answer.status_code, stored))
                assert answer.headers["Cache-Control"] == stored
                assert answer.vary.as_set() == {"authorization"}
                assert "ETag" not in answer.headers
    assert {status for status, _ in statuses} == {429, 503}
    assert len(statuses) == 4
