"""After a restore, readers of events resynchronise, and new events replace what they know."""

import pytest
from flask import Flask

from tests.http.client import Client, send, token
from tests.http.commands import Commands


def confirmed(client: Client, ad: int) -> None:
    ticket = client.ticket(ad).get_json()
    send(ticket)
    assert client.post(ticket["confirm_url"]).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_after_a_restore_cursors_from_before_are_refused_and_sequences_go_on_far_above(
    app: Flask, alice: Client, commands: Commands, database_url: str
) -> None:
    service = Client(app, token(role="service"))
    ad = alice.ad()
    confirmed(alice, ad)
    before = service.get("/api/events/").get_json()
    assert [one["sequence"] for one in before["results"]] == [1]

    assert commands.run("adopt --restored", database_url).status == 0
    answer = service.get(f"/api/events/?after={before['next_cursor']}")
    assert (answer.status_code, answer.get_json()["code"]) == (410, "cursor_expired")

    latest = service.get("/api/events/?after=latest").get_json()
    assert latest["sequence"] == 1_000_000_001
    assert len(service.get("/api/files/").get_json()["results"]) == 1
    confirmed(alice, ad)
    (new,) = service.get(f"/api/events/?after={latest['next_cursor']}").get_json()["results"]
    assert new["sequence"] == 1_000_000_002
