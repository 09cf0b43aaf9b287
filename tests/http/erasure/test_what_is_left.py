"""What an erasure does with private files, adopted images, sessions, answers and a bucket away."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.db.models import Deletion, Image
from broker.domain.adoption import AdoptTally, Claim
from broker.services.adopt.adopt import adopt
from broker.telemetry.logs import JsonLine
from tests.http.client import Client, declared, rows, token
from tests.http.erasure.erasing import (
    DAYS,
    FORGOTTEN,
    NAME,
    erase,
    erika,
    published,
    reap,
    state,
    texts_left,
)
from tests.http.files.private_files import PDF, PROFILES, download, owner_of
from tests.http.first import FIRST_DATABASE, FIRST_SERVER
from tests.http.reconciling import put, there
from tests.http.uppy_calls import open_session, params, refused, send_form
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key


@FIRST_SERVER
def test_erased_private_files_are_deleted(
    make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    app = make_app(profiles_file=tmp_path / "profiles.toml", **private_key(s3_bucket))
    service, owner = backend(app), owner_of(app, "invoice")
    owner.add(PDF, file_name=NAME.replace("jpg", "pdf"))
    (file,) = owner.files()
    assert download(file["url"]).content == PDF
    erasure = erase(service, owner.path)
    assert service.get(f"{owner.path}files/").get_json()["results"] == []
    assert owner.client.get(f"{owner.path}files/").status_code == 403
    assert texts_left(app) == []
    reap(app)
    assert download(file["url"]).status_code == 404
    reap(app, DAYS)
    assert state(service, erasure)["state"] == "done"
    assert not there(s3_bucket, f"private/{file['key']}")


def backend(app: Flask) -> Client:
    return Client(app, token(900, role="service"))


@FIRST_DATABASE
def test_an_erasure_works_while_the_bucket_is_down(
    app: Flask, make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    user = erika(app)
    photo = published(user, f"/api/ads/{user.ad()}/upload_image/")
    away = make_app(s3_endpoint_url="http://127.0.0.1:9")
    erasure = erase(backend(away), "/api/users/1/")
    reap(away)
    service = backend(app)
    assert state(service, erasure)["objects_left"] == erasure["objects"] > 0
    assert there(s3_bucket, f"media/{photo['key']}")
    reap(app, DAYS)
    assert not there(s3_bucket, f"media/{photo['key']}")
    reap(app, DAYS)
    assert state(service, erasure)["state"] == "done"


@FIRST_DATABASE
def test_an_adopted_image_of_an_erased_user_is_deleted(
    app: Flask, service: Client, s3_bucket: Bucket
) -> None:
    erika(app).get("/api/users/me/")
    key = "avatars/user_1/profile.jpg"
    put(s3_bucket, f"media/{key}")
    with app.extensions["broker"].system_work() as work:
        adopt(work, [Claim(key=key, alt_text="Erika")], tally=AdoptTally())
    assert rows(app, Image) == 1
    erase(service, "/api/users/1/")
    assert texts_left(app) == []
    reap(app)
    assert not there(s3_bucket, f"media/{key}")


@FIRST_DATABASE
def test_the_uppy_sessions_of_an_erased_user_end(
    app: Flask, service: Client, anyone: Client
) -> None:
    user = erika(app)
    session = open_session(user, user.ad())
    asked = params(anyone, session)
    assert asked.status_code == 200
    assert send_form(asked.get_json()).status_code == 201
    erase(service, "/api/users/1/")
    refused(params(anyone, session), 403, "capability_invalid")
    reap(app, DAYS)
    reap(app, DAYS)
    assert rows(app, Deletion) == rows(app, Image) == 0


@FIRST_DATABASE
def test_a_stored_answer_is_not_repeated_to_an_erased_user(app: Flask, service: Client) -> None:
    user = erika(app)
    ask: Callable[[], Any] = lambda: user.post(  # noqa: E731
        f"/api/ads/{ad}/upload_image/", declared(), headers={"Idempotency-Key": "k"}
    )
    ad = user.ad()
    assert ask().status_code == 201
    assert ask().headers["Idempotency-Replayed"] == "true"
    erase(service, "/api/users/1/")
    assert ask().status_code == 401


@FIRST_DATABASE
def test_log_and_audit_trail_of_an_erasure_have_ids_only(
    app: Flask, service: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "broker")
    user = erika(app)
    ad = user.ad()
    published(user, f"/api/ads/{ad}/upload_image/")
    erasure = erase(service, "/api/users/1/")
    reap(app, DAYS)
    user.get("/api/users/me/")
    lines = [JsonLine().format(record) for record in caplog.records]
    assert [line for line in lines if any(word in line for word in (*FORGOTTEN, "@"))] == []
    (line,) = (json.loads(one) for one in lines if "user.erased" in one)
    assert line["erasure"] == erasure["id"]
    assert (line["for_user"], line["user"], line["ads"], line["images"]) == (1, 900, 1, 1)
