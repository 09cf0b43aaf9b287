"""Owners by token that were erased and are used again: older grants, and arrived files."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from broker.domain.bucket_notifications import ObjectCreated
from broker.services.background.bucket_notifications import Outcome, handle_bucket_notification
from tests.http.client import Client, declared, send
from tests.http.erasure.erasing import DAYS, erase, issued, reap
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import PRODUCT, PROFILES, entry

pytestmark = FIRST_DATABASE


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(profiles_file=tmp_path / "profiles.toml")


def granted(app: Flask, seconds: float = -60, sub: str = "seller") -> Client:
    return issued(app, sub, seconds, authorization_details=[entry("42")])


def test_an_older_grant_reaches_no_upload_of_an_owner_that_came_back(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    old, key = granted(app), {"Idempotency-Key": "k"}
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 201
    pass_time(timedelta(seconds=-30))
    erase(service, f"{PRODUCT}/")
    pass_time(timedelta())
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 403
    new = granted(app, -10, sub="another seller")
    ticket = new.post(f"{PRODUCT}/uploads/", declared()).get_json()
    upload = f"/api/uploads/{ticket['id']}/"
    session = new.post(f"{PRODUCT}/uppy_session/").get_json()["id"]
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 403
    assert old.get(f"/api/uploads/?ids={ticket['id']}").get_json()["uploads"] == []
    for answer in (
        old.get(upload),
        old.post(f"{upload}renew/"),
        old.post(f"{upload}failures/", {"code": "AccessDenied"}),
        old.post(ticket["confirm_url"]),
        old.delete(upload),
        old.delete(f"/api/uppy_sessions/{session}/"),
    ):
        assert answer.status_code == 404
    assert send(ticket).status_code == 201
    assert new.post(ticket["confirm_url"]).status_code == 200
    assert new.delete(f"/api/uppy_sessions/{session}/").status_code == 204
    names = [
        client.get(f"{PRODUCT}/files/").get_json()["results"][0].get("file_name")
        for client in (new, old, Client(app, None))
    ]
    assert names == ["main.jpg", None, None]


def test_a_file_of_an_owner_that_came_back_is_kept_without_its_client(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    pass_time(timedelta(seconds=-30))
    erase(service, f"{PRODUCT}/")
    pass_time(timedelta())
    tickets = [granted(app, -10).post(f"{PRODUCT}/uploads/", declared()).get_json() for _ in "ab"]
    for ticket in tickets:
        assert send(ticket).status_code == 201
    broker = app.extensions["broker"]
    written = ObjectCreated(
        bucket=broker.storage.buckets.media, key=tickets[0]["upload"]["fields"]["key"]
    )
    with broker.system_work() as work:
        assert handle_bucket_notification(work, written) is Outcome.CONFIRMED
    reap(app, DAYS)
    assert len(service.get(f"{PRODUCT}/files/").get_json()["results"]) == 2
