"""Uppy's protocol with inspection required: a page waits by confirming until the image is there."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask import Flask

from broker.db.models import Upload, UppySession
from broker.domain.rejections import RejectionReason
from broker.services.processing.process import Outcome
from tests.http.client import Client
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
from tests.http.worker import THUMBHASH, Worker, as_jpeg, real, rejecting
from tests.photos import photo

# What Uppy gets does not depend on the database.
ONE_DATABASE = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="required")


def charged_bytes(app: Flask) -> list[int]:
    with app.extensions["broker"].database.session() as session:
        return [row.bytes_taken for row in session.query(UppySession)]


def test_a_single_upload_is_processed_and_then_returned(
    app: Flask, alice: Client, anyone: Client, worker: Worker
) -> None:
    ad = alice.ad()
    session = open_session(alice, ad)
    asked = {"metadata[alt_text]": "front", "metadata[order]": "3"}
    parameters = params(anyone, session, **asked).get_json()
    assert send_form(parameters, photo()).status_code == 201
    key = {"key": parameters["fields"]["key"]}
    for _ in range(2):
        waiting = anyone.post(path(session, "confirm/"), key)
        assert (waiting.status_code, waiting.get_json()["state"]) == (202, "processing")
        assert waiting.headers["Retry-After"] == "1"
    assert charged_bytes(app) == [len(photo())]
    worker.inspect = real
    assert worker.run() == [Outcome.PUBLISHED]
    image = anyone.post(path(session, "confirm/"), key)
    assert image.status_code == 200
    found = image.get_json()
    assert (found["alt_text"], found["order"], found["width"]) == ("front", 3, 1200)
    assert [each["width"] for each in found["variants"]] == [320, 800]
    assert alice.get(f"/api/ads/{ad}/").get_json()["images"] == [found]
    assert charged_bytes(app) == [len(photo())]


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
@pytest.mark.parametrize("kind", ["jpeg", "heic"])
def test_the_location_of_a_completion_is_that_of_the_image(
    alice: Client, anyone: Client, worker: Worker, kind: str
) -> None:
    session, made, done = completed(alice, anyone, f"image/{kind}")
    assert done.status_code == 200, done.text
    answer = done.get_json()
    assert answer["location"].endswith(".jpg")
    assert httpx.get(answer["location"]).status_code in (403, 404)
    worker.inspect = as_jpeg
    assert worker.run() == [Outcome.PUBLISHED]
    assert httpx.get(answer["location"]).content == LARGE
    assert again(anyone, session, made) == answer
    image = anyone.post(path(session, "confirm/"), {"key": made["key"]}).get_json()
    assert (image["image_url"], image["thumbhash"]) == (answer["location"], THUMBHASH)


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
def test_after_a_failed_attempt_a_completion_returns_the_new_location(
    app: Flask, alice: Client, anyone: Client, worker: Worker
) -> None:
    session, made, done = completed(alice, anyone, "image/jpeg")
    with app.extensions["broker"].database.session() as rows_:
        rows_.get_one(Upload, UUID(made["uploadId"])).publish_attempts = 1
        rows_.commit()
    assert worker.run() == [Outcome.PUBLISHED]
    location = again(anyone, session, made)["location"]
    assert location != done.get_json()["location"]
    assert httpx.get(location).content == LARGE
    image = anyone.post(path(session, "confirm/"), {"key": made["key"]}).get_json()
    assert image["image_url"] == location


@pytest.mark.matrix(part="inspection")
@ONE_DATABASE
def test_a_rejection_reaches_the_page_with_its_reason(
    alice: Client, anyone: Client, worker: Worker
) -> None:
    session, made, _ = completed(alice, anyone, "image/jpeg")
    worker.inspect = rejecting(RejectionReason.CORRUPT)
    assert worker.run() == [Outcome.REJECTED]
    confirmed = anyone.post(path(session, "confirm/"), {"key": made["key"]})
    completed_again = anyone.post(path(session, of(made, "/complete")), {"parts": NAMED})
    for answer in (confirmed, completed_again):
        refused(answer, 422, "upload_rejected")
        assert answer.get_json()["reason"] == "corrupt"


NAMED = [{"PartNumber": 1, "ETag": "x"}]


def completed(alice: Client, anyone: Client, content_type: str) -> tuple[Any, Any, Any]:
    session = open_session(alice, alice.ad())
    made = begin(anyone, session, type=content_type)
    named = send_parts(anyone, session, made)
    return session, made, anyone.post(path(session, of(made, "/complete")), {"parts": named})


def again(anyone: Client, session: Any, made: Any) -> Any:
    answer = anyone.post(path(session, of(made, "/complete")), {"parts": NAMED})
    assert answer.status_code == 200, answer.text
    return answer.get_json()
