"""Changing keys, as docs/operations/keys.md says: what ends, and what goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from broker.app import create_app
from broker.config import Settings
from broker.local.process import free_ports
from broker.local.seaweedfs import EmbeddedS3
from broker.storage import bucket_setup
from tests.http.client import SECRET, Client, send, token
from tests.http.test_bucket_notifications import told
from tests.http.uppy import begin, of, open_session, params, path, refused, send_form, send_parts
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket

NEW = "the-secret-after-the-change-0123456789abcdef"
OLD_BUCKET_SECRET, NEW_BUCKET_SECRET = "e" * 40, "f" * 40


def test_tokens_of_the_old_secret_end_and_uploads_go_on(make_app: Callable[..., Flask]) -> None:
    before = Client(make_app(), token(1))
    ticket = before.ticket(before.ad()).get_json()
    app = make_app(jwt_secret=NEW)
    assert Client(app, token(1)).post(ticket["confirm_url"]).status_code == 401
    after = Client(app, token(1, secret=NEW))
    assert send(ticket).status_code == 201
    assert after.post(ticket["confirm_url"]).status_code == 200


def test_uppy_endpoints_end_with_the_secret_that_signed_them(
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


def test_a_secret_of_its_own_keeps_uppys_endpoints_while_tokens_change(
    make_app: Callable[..., Flask],
) -> None:
    alice = Client(make_app(capability_secret="c" * 40), token(1))
    session = open_session(alice, alice.ad())
    anyone = Client(make_app(capability_secret="c" * 40, jwt_secret=NEW), None)
    assert send_form(params(anyone, session).get_json()).status_code == 201


def test_the_buckets_notifications_need_the_new_secret_and_say_so(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(bucket_notifications_secret=NEW_BUCKET_SECRET)
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    event = told(f"media/{ticket['key']}", name=s3_bucket.name)
    old = Client(app, OLD_BUCKET_SECRET).post("/api/bucket_notifications/", event)
    assert (old.status_code, old.get_json()["code"]) == (401, "events_secret_invalid")
    assert (
        Client(app, NEW_BUCKET_SECRET).post("/api/bucket_notifications/", event).status_code == 200
    )
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "confirmed"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_forms_die_with_the_s3_key_that_signed_them_and_are_renewed_with_the_new_one(
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
    # Withdrawn at once, as after a theft, without waiting for the forms that it has signed.
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
