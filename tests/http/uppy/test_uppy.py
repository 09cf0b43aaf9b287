"""Companion's S3 protocol as Uppy uses it, and the format of each error answer."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask import Flask

from broker.db.models import Upload
from broker.storage.multipart import S3Multipart
from tests.http.client import EACH_SERVER, JPEG, Client, token
from tests.http.part_uploads import MIB, PART
from tests.http.uppy_calls import (
    LARGE,
    begin,
    of,
    open_session,
    params,
    path,
    refused,
    send_form,
    send_parts,
)


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
    # The form is still valid, but its key is no longer used.
    assert send_form(parameters, b"other").status_code == 201
    assert httpx.get(image.get_json()["image_url"]).content == JPEG


def test_a_multipart_upload_is_confirmed_by_its_complete(alice: Client, anyone: Client) -> None:
    ad = alice.ad()
    session = open_session(alice, ad)
    made = begin(anyone, session, metadata={"alt_text": "side", "order": 2.0, "type": "x"})
    assert made["key"].startswith(f"incoming/ads/ad_{ad}/photo_")
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


def test_an_avatar_can_be_uploaded_with_a_session(alice: Client, anyone: Client) -> None:
    answer = alice.post("/api/users/1/uppy_session/")
    session = answer.get_json()
    parameters = params(anyone, session).get_json()
    assert send_form(parameters).status_code == 201
    anyone.post(path(session, "confirm/"), {"key": parameters["fields"]["key"]})
    assert alice.get("/api/users/1/").get_json()["avatar"].startswith("avatars/user_1/photo_")


def test_an_uppy_endpoint_works_with_one_slash_or_two(alice: Client, anyone: Client) -> None:
    # @uppy/aws-s3 6.x appends "/s3/…" to any endpoint.
    session = open_session(alice, alice.ad())
    assert session["endpoint"].endswith("/")
    assert params(anyone, session).status_code == 200
    session["endpoint"] += "/"
    assert params(anyone, session).status_code == 200
    assert begin(anyone, session)["uploadId"]


def not_asked_for(*_args: Any, **_kwargs: Any) -> None:
    raise AssertionError("The bucket is asked to put the parts together.")


def test_a_multipart_upload_over_its_limit_is_aborted_and_not_completed(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(max_image_bytes=5 * MIB + 100)
    alice, anyone = Client(app, token(1)), Client(app, None)
    session = open_session(alice, alice.ad())
    made = begin(anyone, session)
    named = send_parts(anyone, session, made)
    with monkeypatch.context() as patch:
        patch.setattr(S3Multipart, "complete", not_asked_for)
        refused(
            anyone.post(path(session, of(made, "/complete")), {"parts": named}),
            422,
            "object_mismatch",
        )
    refused(anyone.get(path(session, of(made))), 422, "object_mismatch")
    refused(anyone.get(path(session, of(made, "/1"))), 422, "object_mismatch")


def test_invalid_input_is_refused_as_a_problem_and_as_uppy_expects(
    alice: Client, anyone: Client
) -> None:
    session = open_session(alice, alice.ad())
    refused(params(anyone, session, type="image/svg+xml"), 422, "validation_error")
    for body in ({"metadata": "x"}, {"filename": 1}, {"filename": None}):
        asked = {"filename": "photo.jpg", "type": "image/jpeg", **body}
        refused(anyone.post(path(session, "s3/multipart"), asked), 422, "validation_error")
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


METADATA: list[tuple[dict[str, Any], str, int]] = [
    ({"alt_text": "", "order": ""}, "", 0),
    ({"alt_text": None, "order": None}, "", 0),
    ({"alt_text": "front\r\nview", "order": "3"}, "front view", 3),
    ({"alt_text": "x\x00" * 501, "order": 2}, "x" * 500, 2),
    ({"alt_text": "front", "order": "-1"}, "front", 0),
    ({"alt_text": "front", "order": "first"}, "front", 0),
    ({"alt_text": "front", "order": 10**9}, "front", 0),
]


@pytest.mark.parametrize(("metadata", "alt_text", "order"), METADATA)
def test_report_19_metadata_of_a_form_is_cleaned_or_ignored(
    alice: Client, anyone: Client, metadata: dict[str, Any], alt_text: str, order: int
) -> None:
    session = open_session(alice, alice.ad())
    # Uppy 6 writes `String(value)`, which is what JavaScript makes of null.
    written = {
        f"metadata[{name}]": "null" if value is None else str(value)
        for name, value in metadata.items()
    }
    answer = params(anyone, session, **written)
    assert answer.status_code == 200, answer.text
    assert send_form(answer.get_json()).status_code == 201
    key = {"key": answer.get_json()["fields"]["key"]}
    image = anyone.post(path(session, "confirm/"), key).get_json()
    assert (image["alt_text"], image["order"]) == (alt_text, order)


@pytest.mark.parametrize(
    ("metadata", "alt_text", "order"),
    [*METADATA, ({"alt_text": ["front"], "order": {}}, "", 0), (None, "", 0), ({}, "", 0)],
)
def test_report_19_metadata_of_a_multipart_upload_is_cleaned_or_ignored(
    app: Flask,
    alice: Client,
    anyone: Client,
    metadata: dict[str, Any] | None,
    alt_text: str,
    order: int,
) -> None:
    made = begin(anyone, open_session(alice, alice.ad()), metadata=metadata)
    with app.extensions["broker"].database.session() as session:
        upload = session.get(Upload, UUID(made["uploadId"]))
        assert (upload.alt_text, upload.order) == (alt_text, order)


@EACH_SERVER
@pytest.mark.parametrize("order", [1, -1])
def test_if_a_part_was_sent_twice_the_named_etag_is_used(
    alice: Client, anyone: Client, order: int
) -> None:
    session = open_session(alice, alice.ad())
    made = begin(anyone, session)
    url = anyone.get(path(session, of(made, "/1"))).get_json()["url"]
    bodies = [b"one version", b"the other one"][::order]
    for body in bodies:
        etag = httpx.put(url, content=body, timeout=20).headers["etag"].strip('"')
    complete = path(session, of(made, "/complete"))
    neither = {"parts": [{"PartNumber": 1, "ETag": "0" * 32}]}
    refused(anyone.post(complete, neither), 409, "parts_missing")
    named = {"parts": [{"PartNumber": 1, "ETag": etag}]}
    done = anyone.post(complete, named)
    assert done.status_code == 200, done.text
    assert httpx.get(done.get_json()["location"]).content == bodies[1]
