"""Uppy endpoints: the right to create one, the requests that it allows, and its end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from broker.db.models import Upload, UppySession
from broker.services.background.reap import reap_once
from tests.http.client import JPEG, SECRET, Client, rows, token
from tests.http.uppy_calls import (
    begin,
    of,
    open_session,
    params,
    path,
    refused,
    send_form,
    send_parts,
)


def test_only_the_owner_or_a_service_opens_a_session(
    alice: Client, bob: Client, service: Client, anyone: Client
) -> None:
    ad = alice.ad()
    assert bob.post(f"/api/ads/{ad}/uppy_session/").status_code == 403
    assert bob.post("/api/users/1/uppy_session/").status_code == 403
    assert anyone.post(f"/api/ads/{ad}/uppy_session/").status_code == 401
    assert alice.post("/api/ads/999/uppy_session/").status_code == 404
    assert alice.post(f"/api/ads/{ad}/uppy_session/", {"ttl": 59}).status_code == 422
    assert service.post(f"/api/ads/{ad}/uppy_session/", {"ttl": 60}).status_code == 201


def test_a_capability_that_is_forged_foreign_or_expired_is_refused(
    app: Flask, alice: Client, anyone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(alice, alice.ad())
    other = open_session(alice, alice.ad())
    capability = session["endpoint"].rstrip("/").rpartition("/")[2]
    foreign = other["endpoint"].rstrip("/").rpartition("/")[2]
    mixed = foreign.partition(".")[0] + "." + capability.partition(".")[2]
    for forged in (
        capability[::-1],
        capability + "A",
        "x",
        "x.y",
        capability.partition(".")[0],
        mixed,
        "%00",
    ):
        answer = anyone.get(f"/api/uppy/{forged}/s3/params?filename=x&type=image/jpeg")
        refused(answer, 403, "capability_invalid")
    later = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr("broker.services.work.utc_now", lambda: later)
    refused(params(anyone, session), 403, "capability_expired")
    assert rows(app, Upload) == 0


def test_a_revoked_endpoint_ends_immediately_and_its_images_stay(
    alice: Client, bob: Client, anyone: Client
) -> None:
    ad = alice.ad()
    session = open_session(alice, ad)
    parameters = params(anyone, session).get_json()
    send_form(parameters)
    anyone.post(path(session, "confirm/"), {"key": parameters["fields"]["key"]})
    assert bob.delete(f"/api/uppy_sessions/{session['id']}/").status_code == 404
    for _ in range(2):
        assert alice.delete(f"/api/uppy_sessions/{session['id']}/").status_code == 204
    refused(params(anyone, session), 403, "capability_revoked")
    assert len(alice.get(f"/api/ads/{ad}/").get_json()["images"]) == 1


def test_the_limits_of_a_session_hold(app: Flask, alice: Client, anyone: Client) -> None:
    ad = alice.ad()
    session = open_session(alice, ad, max_files=1)
    assert params(anyone, session).status_code == 200
    refused(params(anyone, session), 403, "capability_exhausted")
    assert rows(app, Upload) == 1

    session = open_session(alice, ad, max_bytes=len(JPEG) + 10)
    first, second = (params(anyone, session).get_json() for _ in range(2))
    assert send_form(first, JPEG + b"x" * 11).status_code == 400
    for parameters in (first, second):
        assert send_form(parameters).status_code == 201
    confirm = path(session, "confirm/")
    assert anyone.post(confirm, {"key": first["fields"]["key"]}).status_code == 200
    over = anyone.post(confirm, {"key": second["fields"]["key"]})
    refused(over, 422, "object_mismatch")
    assert len(alice.get(f"/api/ads/{ad}/").get_json()["images"]) == 1


def test_a_request_beyond_the_operators_limits_is_reduced_to_them(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(uppy_session_ttl=600, uppy_session_files=2, max_image_bytes=1000)
    alice = Client(app, token(1))
    least = datetime.now(UTC) + timedelta(seconds=600)
    session = open_session(alice, alice.ad(), ttl=86400, max_files=100, max_bytes=10**6)
    assert (session["max_files"], session["max_bytes"]) == (2, 2000)
    ends = datetime.fromisoformat(session["expires_at"])
    assert timedelta(seconds=-1) <= ends - least <= timedelta(seconds=600)


def test_a_new_session_continues_the_uploads_of_the_previous_one(
    alice: Client, anyone: Client
) -> None:
    ad = alice.ad()
    made = begin(anyone, session := open_session(alice, ad))
    named = send_parts(anyone, session, made)
    alice.delete(f"/api/uppy_sessions/{session['id']}/")
    fresh = open_session(alice, ad)
    assert len(anyone.get(path(fresh, of(made))).get_json()) == 2
    done = anyone.post(path(fresh, of(made, "/complete")), {"parts": named})
    assert done.status_code == 200, done.text


def test_another_owners_uploads_and_the_apis_own_are_404(alice: Client, anyone: Client) -> None:
    ad = alice.ad()
    mine, other = open_session(alice, ad), open_session(alice, alice.ad())
    made = begin(anyone, mine)
    own = alice.ticket(ad, transport="multipart").get_json()
    theirs = {"uploadId": own["id"], "key": f"incoming/{own['key']}"}
    for session, found in ((other, made), (mine, theirs), (mine, {**made, "key": "media/x"})):
        for rest in ("", "/1", "/batch"):
            more = "&partNumbers=1" if rest == "/batch" else ""
            refused(anyone.get(path(session, of(found, rest) + more)), 404, "not_found")
        body = {"parts": [{"PartNumber": 1, "ETag": "x"}]}
        refused(anyone.post(path(session, of(found, "/complete")), body), 404, "not_found")
        refused(anyone.delete(path(session, of(found))), 404, "not_found")
    for session, key in ((other, made["key"]), (mine, theirs["key"]), (mine, "media/x")):
        refused(anyone.post(path(session, "confirm/"), {"key": key}), 404, "not_found")


def test_a_capability_is_never_logged(
    alice: Client, anyone: Client, caplog: pytest.LogCaptureFixture
) -> None:
    session = open_session(alice, alice.ad())
    caplog.clear()
    with caplog.at_level("INFO", "broker"):
        params(anyone, session)
    requests = [record for record in caplog.records if record.name == "broker.requests"]
    logged = [line["path"] for record in requests for line in record.__dict__["lines"]]
    assert logged == ["/api/uppy/…/s3/params"]


def test_with_a_public_key_for_tokens_uppy_needs_its_own_secret(
    make_app: Callable[..., Flask],
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"sub": "1", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    bearer = jwt.encode(claims, private, "ES256")
    key = {"jwt_algorithm": "ES256", "jwt_secret": None, "jwt_public_key": public.decode()}
    alice = Client(make_app(**key), bearer)
    ad = alice.ad()
    answer = alice.post(f"/api/ads/{ad}/uppy_session/")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "uppy_not_configured")
    app = make_app(**key, capability_secret=SECRET, public_url="https://shop.example/broker/")
    session = open_session(Client(app, bearer), ad)
    assert session["endpoint"].startswith("https://shop.example/broker/api/uppy/")


def test_the_reaper_deletes_old_sessions(app: Flask, alice: Client) -> None:
    open_session(alice, alice.ad())
    broker = app.extensions["broker"]
    for hours, left in ((20, 1), (23, 0)):
        with broker.system_work(now=datetime.now(UTC) + timedelta(hours=hours)) as work:
            reap_once(work)
        assert rows(app, UppySession) == left
