"""An avatar is never replaced by one whose upload was requested earlier."""

from typing import Any

import pytest
from flask import Flask

from broker.db.models import Deletion
from tests.http.client import JPEG, Client, declared, rows, send, token
from tests.http.uploads.test_lifecycle import PAST_GRACE, gone, reap

PATH = "/api/users/1/"


def sent(alice: Client) -> dict[str, Any]:
    """Request an avatar and send its bytes."""
    ticket: dict[str, Any] = alice.post(f"{PATH}upload_avatar/", declared()).get_json()
    assert send(ticket, JPEG).status_code == 201
    return ticket


def test_the_reaper_never_replaces_an_avatar_by_an_older_upload(app: Flask) -> None:
    alice = Client(app, token(1))
    lost, chosen = sent(alice), sent(alice)
    assert alice.post(chosen["confirm_url"]).status_code == 200
    reap(app, PAST_GRACE)
    assert alice.get(PATH).get_json()["avatar"] == chosen["key"]
    reap(app, PAST_GRACE * 3)
    assert rows(app, Deletion) == 0
    assert gone(app, lost["key"])


@pytest.mark.parametrize("again", [1, 2])
def test_an_older_avatar_that_is_confirmed_later_counts_as_replaced(app: Flask, again: int) -> None:
    alice = Client(app, token(1))
    older, newer = sent(alice), sent(alice)
    assert alice.post(newer["confirm_url"]).status_code == 200
    for _ in range(again):
        assert alice.post(older["confirm_url"]).get_json()["code"] == "image_deleted"
    assert alice.get(PATH).get_json()["avatar"] == newer["key"]
