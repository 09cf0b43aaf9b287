"""Several uploads in one request: by their ids, and those of an ad without an image."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from broker.domain.rejections import RejectionReason
from tests.http.client import Client
from tests.http.confirm.test_rights import give_away
from tests.http.workers import Worker, processing, read, rejecting, sent


def ids_of(uploads: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in uploads]


def asked(client: Client, *ids: str) -> Any:
    return client.get("/api/uploads/", query_string={"ids": ",".join(ids)})


def test_uploads_are_returned_in_the_order_of_their_ids_without_unknown_ones(
    app: Flask, alice: Client, bob: Client, service: Client, worker: Worker
) -> None:
    ad = alice.ad()
    waiting = processing(alice, ad)
    pending = alice.ticket(ad).get_json()
    others = processing(bob, bob.ad())
    wanted = [pending["id"], str(uuid.uuid4()), waiting["id"].upper(), others["id"], pending["id"]]
    answer = asked(alice, *wanted)
    assert answer.headers["Retry-After"] == "1"
    assert ids_of(answer.get_json()["uploads"]) == [pending["id"], waiting["id"]]
    assert ids_of(asked(service, *wanted).get_json()["uploads"]) == [
        pending["id"],
        waiting["id"],
        others["id"],
    ]
    assert "Retry-After" not in asked(alice, pending["id"]).headers
    worker.run()
    ready = asked(alice, *wanted)
    assert "Retry-After" not in ready.headers
    for one in ready.get_json()["uploads"]:
        single = read(alice, one)
        assert {**one, "server_time": single["server_time"]} == single
    image = ready.get_json()["uploads"][1]["image"]
    assert [each["width"] for each in image["variants"]] == [320, 800]


def test_one_upload_answers_retry_after_while_it_is_processed(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ticket = processing(alice, alice.ad())
    path = f"/api/uploads/{ticket['id']}/"
    assert alice.get(path).headers["Retry-After"] == "1"
    worker.run()
    assert "Retry-After" not in alice.get(path).headers


def test_fifty_uploads_with_their_images_and_variants_are_read_in_two_statements(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ad = alice.ad()
    tickets = [processing(alice, ad) for _ in range(3)]
    worker.run()
    asked(alice, tickets[0]["id"])
    engine, statements = app.extensions["broker"].database.engine, list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        found = asked(
            alice, *(one["id"] for one in tickets), *(str(uuid.uuid4()) for _ in range(47))
        )
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(found.get_json()["uploads"]) == 3
    assert len([one for one in statements if one.startswith("SELECT")]) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ids_of_a_wrong_form_are_422(alice: Client) -> None:
    some = "01998f2e-7c1a-7d6b-9f40-3a1c5e8b7d21"
    wrong = ["1", f"{some},", some.replace("-", ""), f"{some}%0a", ",".join([some] * 51), ""]
    for query in ("", *(f"ids={ids}" for ids in wrong)):
        answer = alice.get(f"/api/uploads/?{query}")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
        assert list(answer.get_json()["errors"]) == ["ids"]
    assert alice.get("/api/uploads/?ids=" + ",".join([some] * 50)).status_code == 200
    other = alice.get(f"/api/uploads/?ids={some}&state=pending")
    assert list(other.get_json()["errors"]) == ["state"]


def test_the_uploads_of_an_ad_without_an_image_are_listed_newest_first_in_pages(
    app: Flask, alice: Client, service: Client, worker: Worker
) -> None:
    ad = alice.ad()
    rejected, published = processing(alice, ad), processing(alice, ad)
    cancelled = sent(alice, ad)
    alice.delete(f"/api/uploads/{cancelled['id']}/")
    accepting = worker.inspect
    for inspect in (rejecting(RejectionReason.TOO_MANY_PIXELS), accepting):
        worker.inspect = inspect
        worker.next()
    waiting, pending = processing(alice, ad), alice.ticket(ad).get_json()
    processing(alice, alice.ad())
    path = f"/api/ads/{ad}/uploads/"

    answer = alice.get(path)
    assert answer.headers["Retry-After"] == "1"
    page = answer.get_json()
    assert ids_of(page["results"]) == [pending["id"], waiting["id"], rejected["id"]]
    assert [one["state"] for one in page["results"]] == ["pending", "processing", "rejected"]
    assert page["results"][2]["reason"] == "too_many_pixels"
    assert page["next_cursor"] is None
    assert ids_of(service.get(path).get_json()["results"]) == ids_of(page["results"])
    assert alice.get(f"/api/ads/{ad}/").get_json()["images"][0]["image"] == published["key"]

    first = alice.get(f"{path}?limit=2").get_json()
    assert ids_of(first["results"]) == [pending["id"], waiting["id"]]
    last = alice.get(f"{path}?limit=2&cursor={first['next_cursor']}")
    assert (ids_of(last.get_json()["results"]), last.get_json()["next_cursor"]) == (
        [rejected["id"]],
        None,
    )
    assert "Retry-After" not in last.headers
    for query in ("limit=0", "limit=101", "cursor=!", "cursor=abc", "state=pending"):
        assert alice.get(f"{path}?{query}").status_code == 422


def test_only_the_owner_of_an_ad_and_services_list_its_uploads(
    app: Flask, alice: Client, bob: Client, service: Client, anyone: Client
) -> None:
    ad = alice.ad()
    bob.ad()
    of_alice = processing(alice, ad)
    path = f"/api/ads/{ad}/uploads/"
    for client, status in ((bob, 403), (anyone, 401)):
        assert client.get(path).status_code == status
    assert alice.get("/api/ads/999/uploads/").status_code == 404
    give_away(app, ad, to=2)
    assert alice.get(path).status_code == 403
    assert bob.get(path).get_json()["results"] == []
    assert ids_of(service.get(path).get_json()["results"]) == [of_alice["id"]]
