"""This release finishes uploads of release 0.2, which have no stored written key."""

from collections.abc import Callable
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import text

from tests.faults.invariants import check_invariants
from tests.http.client import BOTH_SERVERS, JPEG, Client, send, token
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap


def as_issued_by_0_2(app: Flask, client: Client, ticket: dict[str, Any]) -> dict[str, Any]:
    """Return the ticket as release 0.2 issued it, which stored no written key."""
    with app.extensions["broker"].database.session() as session:
        of_ticket = {"key": ticket["key"]}
        session.execute(text("UPDATE uploads SET written_key = NULL WHERE key = :key"), of_ticket)
        session.commit()
    renewed: dict[str, Any] = client.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    return renewed


def sent_with_0_2(app: Flask, client: Client, ad: int, **changes: Any) -> dict[str, Any]:
    ticket = as_issued_by_0_2(app, client, client.ticket(ad, **changes).get_json())
    upload = ticket["upload"]
    if upload["method"] == "POST":
        assert send(ticket).status_code == 201
    else:
        assert httpx.put(upload["url"], content=JPEG, headers=upload["headers"]).status_code == 200
    return ticket


def parts_sent_with_0_2(app: Flask, client: Client, ad: int) -> dict[str, Any]:
    ticket = client.ticket(ad, LARGE, transport="multipart").get_json()
    ticket = as_issued_by_0_2(app, client, ticket)
    urls = signed(client, ticket, [1, 2, 3])
    assert "/media/ads/" in urls[0]["url"]
    put_parts(urls)
    return ticket


def every_transport(app: Flask, client: Client, ad: int) -> dict[str, dict[str, Any]]:
    """Return sent and unconfirmed uploads of release 0.2 by transport."""
    return {
        "post": sent_with_0_2(app, client, ad),
        "post without digest": sent_with_0_2(app, client, ad, checksum_sha256=None),
        "put": sent_with_0_2(app, client, ad, transport="put"),
        "multipart": parts_sent_with_0_2(app, client, ad),
    }


@BOTH_SERVERS
def test_pending_uploads_of_0_2_are_confirmed_at_their_keys(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(require_checksum=False, part_size=PART)
    alice = Client(app, token(1))
    ad = alice.ad()
    for transport, ticket in every_transport(app, alice, ad).items():
        end = "complete_url" if transport == "multipart" else "confirm_url"
        url = ticket["upload"].get(end) or ticket[end]
        image = alice.post(url).get_json()
        assert image["image"] == ticket["key"], transport
        data = LARGE if transport == "multipart" else JPEG
        assert httpx.get(image["image_url"]).content == data, transport
        assert alice.post(url).get_json() == image
    reap(app, PAST_GRACE * 2)
    state = check_invariants(app, at_rest=True)
    assert (state.violations, state.counts["images"]) == ([], 4)


@BOTH_SERVERS
def test_pending_uploads_of_0_2_are_kept_by_the_reaper(make_app: Callable[..., Flask]) -> None:
    app = make_app(require_checksum=False, part_size=PART, multipart_ttl=60)
    alice = Client(app, token(1))
    ad = alice.ad()
    every_transport(app, alice, ad)
    never_sent = as_issued_by_0_2(app, alice, alice.ticket(ad).get_json())
    assert reap(app, PAST_GRACE * 4).kept == 4
    assert alice.get(f"/api/uploads/{never_sent['id']}/").get_json()["state"] == "expired"
    state = check_invariants(app)
    assert (state.violations, state.counts["images"]) == ([], 4)


def test_ended_uploads_of_0_2_are_deleted_at_their_keys(make_app: Callable[..., Flask]) -> None:
    app = make_app(require_checksum=False, part_size=PART)
    alice = Client(app, token(1))
    ad = alice.ad()
    for ticket in every_transport(app, alice, ad).values():
        assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    reap(app)
    assert list(app.extensions["broker"].storage.list_objects("")) == []
