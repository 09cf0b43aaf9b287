"""Uppy's endpoints: who may have one, what it may do, and how each refusal reads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from broker.db.models import Upload, UppySession
from broker.services.reap import reap_once
from tests.http.conftest import JPEG, SECRET, Client, rows, token
from tests.http.multipart import MIB, PART, part

LARGE = b"\xff\xd8\xff" + b"p" * (6 * MIB)


@pytest.fixture
def anyone(app: Flask) -> Client:
    return Client(app, None)


def open_session(client: Client, ad: int, **limits: int) -> dict[str, Any]:
    answer = client.post(f"/api/ads/{ad}/uppy_session/", limits or None)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def path(session: dict[str, Any], rest: str) -> str:
    return str(session["endpoint"]).removeprefix("http://localhost") + rest


def params(anyone: Client, session: dict[str, Any], **query: str) -> Any:
    asked = {"filename": "photo.jpg", "type": "image/jpeg", **query}
    return anyone.get(path(session, "s3/params"), query_string=asked)


def send_form(parameters: dict[str, Any], data: bytes = JPEG) -> httpx.Response:
    return httpx.post(
        parameters["url"], data=parameters["fields"], files={"file": ("x", data)}, timeout=20
    )


def begin(anyone: Client, session: dict[str, Any], **body: Any) -> dict[str, Any]:
    asked = {"filename": "photo.jpg", "type": "image/jpeg", "metadata": {"name": "x"}, **body}
    answer = anyone.post(path(session, "s3/multipart"), asked)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def of(made: dict[str, Any], rest: str = "") -> str:
    return f"s3/multipart/{made['uploadId']}{rest}?key={quote(made['key'], safe='')}"


def send_parts(anyone: Client, session: dict[str, Any], made: dict[str, Any]) -> list[Any]:
    named = []
    for number in (1, 2):
        url = anyone.get(path(session, of(made, f"/{number}"))).get_json()["url"]
        sent = httpx.put(url, content=part(LARGE, number), timeout=20)
        assert sent.status_code == 200, sent.text
        named.append({"PartNumber": number, "ETag": sent.headers["etag"].strip('"')})
    return named


def test_a_single_upload_is_promoted_when_the_page_confirms_it(
    alice: Client, anyone: Client
) -> None:
    ad = alice.ad()
    session = open_session(alice, ad)
    asked = {"metadata[alt_text]": "front", "metadata[order]": "3", "metadata[name]": "x"}
    parameters = params(anyone, session, **asked).get_json()
    assert parameters["method"] == "POST"
    assert parameters["fields"]["key"].startswith(f"incoming/ads/ad_{ad}/photo_")
    assert send_form(parameters).status_code == 201
    key = {"key": parameters["fields"]["key"]}
    image = anyone.post(path(session, "confirm/"), key)
    assert image.status_code == 200, image.text
    assert (image.get_json()["alt_text"], image.get_json()["order"]) == ("front", 3)
    assert httpx.get(image.get_json()["image_url"]).content == JPEG
    assert anyone.post(path(session, "confirm/"), key).get_json() == image.get_json()
    # The form lives on for a while, and hits a dead key.
    assert send_form(parameters, b"other").status_code == 201
    assert httpx.get(image.get_json()["image_url"]).content == JPEG


def test_a_multipart_upload_is_confirmed_by_its_complete(alice: Client, anyone: Client) -> None:
    ad = alice.ad()
    session = open_session(alice, ad)
    made = begin(anyone, session, metadata={"alt_text": "side", "order": 2, "type": "x"})
    assert made["key"].startswith(f"media/ads/ad_{ad}/photo_")
    batch = anyone.get(path(session, of(made, "/batch") + "&partNumbers=1,2")).get_json()
    assert list(batch["presignedUrls"]) == ["1", "2"]
    named = send_parts(anyone, session, made)
    listed = anyone.get(path(session, of(made))).get_json()
    assert [(one["PartNumber"], one["Size"]) for one in listed] == [(1, PART), (2, MIB + 3)]
    assert [one["ETag"].strip('"') for one in listed] == [one["ETag"] for one in named]
    done = anyone.post(path(session, of(made, "/complete")), {"parts": named})
    assert done.status_code == 200, done.text
    assert done.get_json()["key"] == made["key"]
    assert httpx.get(done.get_json()["location"]).content == LARGE
    again = anyone.post(path(session, of(made, "/complete")), {"parts": named})
    assert again.get_json() == done.get_json()
    image = anyone.post(path(session, "confirm/"), {"key": made["key"]}).get_json()
    assert (image["alt_text"], image["image_url"]) == ("side", done.get_json()["location"])
    assert [one["order"] for one in alice.get(f"/api/ads/{ad}/").get_json()["images"]] == [2]


def test_an_avatar_has_a_session_too(alice: Client, anyone: Client) -> None:
    answer = alice.post("/api/users/1/uppy_session/")
    session = answer.get_json()
    parameters = params(anyone, session).get_json()
    assert send_form(parameters).status_code == 201
    anyone.post(path(session, "confirm/"), {"key": parameters["fields"]["key"]})
    assert alice.get("/api/users/1/").get_json()["avatar"].startswith("avatars/user_1/photo_")


def test_an_endpoint_works_with_one_slash_or_two(alice: Client, anyone: Client) -> None:
    # @uppy/aws-s3 6.x appends "/s3/…" to whatever it was given.
    session = open_session(alice, alice.ad())
    assert session["endpoint"].endswith("/")
    assert params(anyone, session).status_code == 200
    session["endpoint"] += "/"
    assert params(anyone, session).status_code == 200
    assert begin(anyone, session)["uploadId"]


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


def refused(answer: Any, status: int, code: str) -> None:
    """Every refusal is a problem, and has what Uppy reads beside it."""
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert problem["error"].startswith(problem["detail"])
    assert problem["message"] == problem["error"]


def test_a_capability_that_is_forged_foreign_or_expired_is_refused(
    app: Flask, alice: Client, anyone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(alice, alice.ad())
    other = open_session(alice, alice.ad())
    capability = session["endpoint"].rstrip("/").rpartition("/")[2]
    foreign = other["endpoint"].rstrip("/").rpartition("/")[2]
    mixed = foreign.partition(".")[0] + "." + capability.partition(".")[2]
    for forged in (capability[:-1] + "-", "x", "x.y", capability.partition(".")[0], mixed, "%00"):
        answer = anyone.get(f"/api/uppy/{forged}/s3/params?filename=x&type=image/jpeg")
        refused(answer, 403, "capability_invalid")
    later = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr("broker.api.capabilities.utc_now", lambda: later)
    refused(params(anyone, session), 403, "capability_expired")
    assert rows(app, Upload) == 0


def test_a_revoked_endpoint_ends_at_once_and_keeps_what_it_confirmed(
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


def test_more_bytes_in_parts_than_allowed_are_aborted_not_completed(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(max_image_bytes=5 * MIB + 100)
    alice, anyone = Client(app, token(1)), Client(app, None)
    session = open_session(alice, alice.ad())
    made = begin(anyone, session)
    named = send_parts(anyone, session, made)
    refused(
        anyone.post(path(session, of(made, "/complete")), {"parts": named}),
        422,
        "object_mismatch",
    )
    refused(anyone.get(path(session, of(made))), 422, "object_mismatch")
    refused(anyone.get(path(session, of(made, "/1"))), 422, "object_mismatch")


def test_a_new_session_goes_on_with_the_uploads_of_the_one_before(
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
    theirs = {"uploadId": own["id"], "key": f"media/{own['key']}"}
    for session, found in ((other, made), (mine, theirs), (mine, {**made, "key": "media/x"})):
        for rest in ("", "/1", "/batch"):
            more = "&partNumbers=1" if rest == "/batch" else ""
            refused(anyone.get(path(session, of(found, rest) + more)), 404, "not_found")
        body = {"parts": [{"PartNumber": 1, "ETag": "x"}]}
        refused(anyone.post(path(session, of(found, "/complete")), body), 404, "not_found")
        refused(anyone.delete(path(session, of(found))), 404, "not_found")
    for session, key in ((other, made["key"]), (mine, theirs["key"]), (mine, "media/x")):
        refused(anyone.post(path(session, "confirm/"), {"key": key}), 404, "not_found")


def test_bad_input_is_refused_in_both_shapes(alice: Client, anyone: Client) -> None:
    session = open_session(alice, alice.ad())
    for query in ({"type": "image/svg+xml"}, {"filename": ""}, {"metadata[order]": "-1"}):
        refused(params(anyone, session, **query), 422, "validation_error")
    refused(anyone.get(path(session, "s3/params")), 422, "validation_error")
    made = begin(anyone, session)
    for number in (0, 10_001, 99_999, 14):  # 64 MiB are at most 13 parts of 5 MiB
        refused(anyone.get(path(session, of(made, f"/{number}"))), 422, "validation_error")
    for numbers in ("", "1,1", "0", "x", "1,,2"):
        batch = path(session, of(made, "/batch") + f"&partNumbers={numbers}")
        refused(anyone.get(batch), 422, "validation_error")
    complete = path(session, of(made, "/complete"))
    twice = [{"PartNumber": 1, "ETag": "x"}, {"PartNumber": 1, "ETag": "x"}]
    for parts in ([], twice, [{"PartNumber": 0, "ETag": "x"}], [{"PartNumber": 1}], "x"):
        refused(anyone.post(complete, {"parts": parts}), 422, "validation_error")
    refused(
        anyone.post(complete, {"parts": [{"PartNumber": 1, "ETag": "x"}]}), 409, "parts_missing"
    )
    refused(
        anyone.post(complete, data=b"{", content_type="application/json"), 400, "malformed_json"
    )
    assert anyone.delete(path(session, of(made))).get_json() == {}
    refused(anyone.get(path(session, of(made, "/1"))), 410, "upload_cancelled")
    refused(anyone.post(path(session, "confirm/"), {"key": "media/x"}), 404, "not_found")


def test_a_capability_is_never_logged(
    alice: Client, anyone: Client, caplog: pytest.LogCaptureFixture
) -> None:
    session = open_session(alice, alice.ad())
    caplog.clear()
    with caplog.at_level("INFO", "broker"):
        params(anyone, session)
    logged = [record.__dict__.get("path") for record in caplog.records]
    assert logged == ["/api/uppy/…/s3/params"]


def test_with_a_public_key_a_secret_of_its_own_is_needed(
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


def test_the_reaper_forgets_old_sessions(app: Flask, alice: Client) -> None:
    open_session(alice, alice.ad())
    broker = app.extensions["broker"]
    for hours, left in ((24, 1), (27, 0)):
        with broker.database.session() as session:
            now = datetime.now(UTC) + timedelta(hours=hours)
            reap_once(session, broker.storage, broker.rules, now=now)
        assert rows(app, UppySession) == left
