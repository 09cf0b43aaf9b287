"""Changing keys as in docs/operations/keys.md: what stops working and what continues."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from broker.app import create_app
from broker.config import Settings
from broker.local.process import free_ports
from broker.local.seaweedfs import EmbeddedS3
from broker.storage import bucket_setup
from tests.http.background.test_bucket_notifications import notification
from tests.http.client import SECRET, Client, send, token
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
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket

NEW = "the-secret-after-the-change-0123456789abcdef"
OLD_BUCKET_SECRET, NEW_BUCKET_SECRET = "e" * 40, "f" * 40


def test_tokens_of_the_old_secret_stop_working_and_uploads_continue(
    make_app: Callable[..., Flask],
) -> None:
    before = Client(make_app(), token(1))
    ticket = before.ticket(before.ad()).get_json()
    app = make_app(jwt_secret=NEW)
    assert Client(app, token(1)).post(ticket["confirm_url"]).status_code == 401
    after = Client(app, token(1, secret=NEW))
    assert send(ticket).status_code == 201
    assert after.post(ticket["confirm_url"]).status_code == 200


def test_uppy_endpoints_stop_working_with_the_secret_that_signed_them(
    make_app: Callable[..., Flask],
) -> None:
    before = make_app()
    alice = Client(before, token(1))
    ad = alice.ad()
    session = open_session(alice, ad)
    made = begin(Client(before, None), session)
    app = make_app(jwt_secret=NEW)
    anyone = Client(app, None)
    refused(params(anyone, session), 403, "capability_invalid")
    another = open_session(Client(app, token(1, secret=NEW)), ad)
    parts = {"parts": send_parts(anyone, another, made)}
    assert anyone.post(path(another, of(made, "/complete")), parts).status_code == 200


def test_with_a_separate_secret_uppy_endpoints_outlive_a_change_of_the_token_secret(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(capability_secret="c" * 40), token(1))
    session = open_session(alice, alice.ad())
    anyone = Client(make_app(capability_secret="c" * 40, jwt_secret=NEW), None)
    assert send_form(params(anyone, session).get_json()).status_code == 201


def test_notifications_with_the_old_secret_are_refused(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(bucket_notifications_secret=NEW_BUCKET_SECRET)
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    event = notification(f"incoming/{ticket['key']}", name=s3_bucket.name)
    old = Client(app, OLD_BUCKET_SECRET).post("/api/bucket_notifications/", event)
    assert (old.status_code, old.get_json()["code"]) == (401, "events_secret_invalid")
    assert (
        Client(app, NEW_BUCKET_SECRET).post("/api/bucket_notifications/", event).status_code == 200
    )
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "confirmed"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_forms_of_the_old_s3_key_stop_working_and_are_renewed_with_the_new_key(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)

    def client(key: str) -> Client:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key * 2)
        settings = Settings(
            database_url=database_url,
            s3_bucket="media-bucket",
            s3_endpoint_url=f"http://127.0.0.1:{port}",
            jwt_secret=SECRET,
        )
        list(bucket_setup.apply(settings))
        return Client(create_app(settings), token(1))

    with installed_or_skip(), EmbeddedS3(tmp_path, port, "old-key", "old-key" * 2):
        before = client("old-key")
        used, open_form = (before.ticket(before.ad()).get_json() for _ in range(2))
        assert send(used).status_code == 201
    # The key is withdrawn immediately, as after a theft, before the signed forms have expired.
    with EmbeddedS3(tmp_path, port, "new-key", "new-key" * 2):
        after = client("new-key")
        assert after.post(used["confirm_url"]).status_code == 200
        refused_form = send(open_form)
        assert (refused_form.status_code, "InvalidAccessKeyId" in refused_form.text) == (403, True)
        renewed = after.post(f"/api/uploads/{open_form['id']}/renew/").get_json()
        assert send(renewed).status_code == 201
        assert after.post(renewed["confirm_url"]).status_code == 200
    for each in (before, after):
        each.app.extensions["broker"].database.dispose()
