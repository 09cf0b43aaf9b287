"""Uppy endpoints that a grant has opened: their end, their owner, and their uploads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.http.client import Client
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import PRODUCT, caller, ends_at, entry, everything
from tests.http.uppy_calls import begin, of, params, path, refused, send_form, send_parts


def opened(client: Client, owner: str = PRODUCT, **limits: int) -> dict[str, Any]:
    answer = client.post(f"{owner}/uppy_session/", limits or None)
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


@FIRST_DATABASE
def test_another_user_with_the_grant_continues_and_confirms_with_an_endpoint_of_their_own(
    app: Flask, anyone: Client
) -> None:
    first = opened(caller(app, "ada", entry("42")))
    made = begin(anyone, first)
    form = params(anyone, first).get_json()
    assert form["fields"]["key"].startswith("incoming/products/product_42/")
    assert send_form(form).status_code == 201
    second = opened(caller(app, "ben", entry("42")))
    foreign = opened(caller(app, "ada", entry("43"), entry("42", "read")), PRODUCT[:-1] + "3")
    before = everything(app)
    key = {"key": form["fields"]["key"]}
    refused(anyone.post(path(foreign, "confirm/"), key), 404, "not_found")
    refused(anyone.get(path(foreign, of(made))), 404, "not_found")
    refused(anyone.delete(path(foreign, of(made))), 404, "not_found")
    assert everything(app) == before
    named = send_parts(anyone, second, made)
    done = anyone.post(path(second, of(made, "/complete")), {"parts": named})
    assert done.status_code == 200, done.text
    assert anyone.post(path(second, "confirm/"), key).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_endpoint_ends_with_the_token_that_opened_it(
    app: Flask, anyone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = opened(ends_at(app, "ada", 100, entry("42")))
    lower = opened(ends_at(app, "ada", 1000, entry("42")), ttl=60)
    now = datetime.now(UTC)
    ends = [datetime.fromisoformat(one["expires_at"]) - now for one in (short, lower)]
    assert timedelta(seconds=90) < ends[0] <= timedelta(seconds=100)
    assert timedelta(seconds=50) < ends[1] <= timedelta(seconds=60)
    assert params(anyone, short).status_code == 200
    later = now + timedelta(seconds=101)
    monkeypatch.setattr("broker.services.work.utc_now", lambda: later)
    refused(params(anyone, short), 403, "capability_expired")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_that_ends_after_the_last_year_of_the_calendar_opens_an_endpoint(
    app: Flask,
) -> None:
    """Such a token is valid: its issuer has counted milliseconds."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    session = opened(caller(app, "ada", entry("42"), exp=milliseconds))
    ends = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=3590) < ends <= timedelta(seconds=3600)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_a_caller_with_the_grant_revokes_an_endpoint(app: Flask) -> None:
    ada = caller(app, "ada", entry("42"))
    session = f"/api/uppy_sessions/{opened(ada)['id']}/"
    for other in (caller(app, "ada"), caller(app, "ben", entry("43"), entry("42", "delete"))):
        assert other.delete(session).status_code == 404
    assert caller(app, "ben", entry("42")).delete(session).status_code == 204
