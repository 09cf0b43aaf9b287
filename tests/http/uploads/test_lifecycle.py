"""Abandoned uploads, deleted ads, and servers that are down."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from broker.domain.storage_errors import ObjectNotFound
from broker.services.background.reap import Reaped, reap_once
from broker.services.uploads import outbox
from tests.http.client import EVERYWHERE, JPEG, Client, declared, send, token

PAST_GRACE = timedelta(seconds=300 + 900 + 1)


def reap(app: Flask, after: timedelta = timedelta()) -> Reaped:
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        return reap_once(work)


def gone(app: Flask, key: str) -> bool:
    try:
        app.extensions["broker"].storage.head(f"media/{key}")
    except ObjectNotFound:
        return True
    return False


@EVERYWHERE
def test_case_25_an_abandoned_upload_that_arrived_is_confirmed(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    arrived, never_sent = (alice.ticket(ad).get_json() for _ in range(2))
    assert send(arrived).status_code == 201
    assert reap(app) == Reaped()
    done = reap(app, PAST_GRACE)
    assert (done.kept, done.expired) == (1, 1)
    assert [one["image"] for one in alice.get(f"/api/ads/{ad}/").get_json()["images"]] == [
        arrived["key"]
    ]
    assert alice.post(arrived["confirm_url"]).status_code == 200
    assert alice.post(never_sent["confirm_url"]).get_json()["code"] == "upload_expired"


@EVERYWHERE
def test_case_25_an_abandoned_upload_expires_and_its_object_is_deleted(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(reap="delete")
    alice = Client(app, token(1))
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    assert send(ticket).status_code == 201
    assert reap(app).expired == 0
    assert reap(app, PAST_GRACE).expired == 1
    assert gone(app, ticket["key"])
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "expired"
    late = alice.post(ticket["confirm_url"])
    assert (late.status_code, late.get_json()["code"]) == (410, "upload_expired")
    assert alice.post(f"/api/uploads/{ticket['id']}/renew/").status_code == 410


def test_the_slot_of_an_expired_upload_is_free_without_a_reaper(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(max_images_per_ad=1)
    alice = Client(app, token(1))
    ad = alice.ad()
    assert alice.ticket(ad).status_code == 201
    assert alice.ticket(ad).status_code == 409
    later = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: later)
    assert alice.ticket(ad).status_code == 201


def test_deleting_an_ad_deletes_its_images_uploads_and_objects(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    tickets = [alice.ticket(ad).get_json() for _ in range(2)]
    for ticket in tickets:
        send(ticket)
    alice.post(tickets[0]["confirm_url"])
    assert alice.delete(f"/api/ads/{ad}/").status_code == 204
    assert alice.get(f"/api/ads/{ad}/").status_code == 404
    assert alice.post(tickets[0]["confirm_url"]).get_json()["code"] == "image_deleted"
    assert alice.post(tickets[1]["confirm_url"]).get_json()["code"] == "upload_cancelled"
    # The image's object, and what the two clients have sent.
    assert reap(app).deleted == 3
    assert all(gone(app, ticket["key"]) for ticket in tickets)
    # It is deleted again when all forms have expired. After that the outbox is empty.
    send(tickets[1])
    assert reap(app, timedelta(hours=2)).deleted == 2
    assert all(gone(app, ticket["key"]) for ticket in tickets)
    with app.extensions["broker"].system_work() as work:
        assert outbox.backlog(work).waiting == 0


def test_deleting_an_image_releases_its_slot(app: Flask, alice: Client, bob: Client) -> None:
    ad = alice.ad()
    tickets = [alice.ticket(ad).get_json() for _ in range(20)]
    send(tickets[0])
    image = alice.post(tickets[0]["confirm_url"]).get_json()
    path = f"/api/ads/{ad}/images/{image['id']}/"
    assert alice.ticket(ad).status_code == 409
    assert bob.delete(path).status_code == 403
    assert alice.delete(path).status_code == 204
    assert alice.delete(path).status_code == 404
    assert alice.ticket(ad).status_code == 201
    reap(app)
    assert gone(app, tickets[0]["key"])


def test_an_object_that_is_not_the_declared_one_is_rejected_and_deleted(
    app: Flask, alice: Client
) -> None:
    import boto3

    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    storage = app.extensions["broker"].storage
    boto3.Session().client("s3", endpoint_url=storage.client.meta.endpoint_url).put_object(
        Bucket=storage.buckets.media,
        Key=f"incoming/{ticket['key']}",
        Body=b"forged",
        ContentType="image/jpeg",
    )
    for _ in range(2):
        answer = alice.post(ticket["confirm_url"])
        assert (answer.status_code, answer.get_json()["code"]) == (422, "object_mismatch")
    assert gone(app, ticket["key"])
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "rejected"


def test_the_bucket_down_is_503_and_changes_nothing(
    make_app: Callable[..., Flask], app: Flask, alice: Client
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    down = Client(make_app(s3_endpoint_url="http://127.0.0.1:9"), token(1))
    answer = down.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    # The bucket takes no process out of rotation: see test_readiness.
    assert down.get("/readyz").get_json()["bucket"] == "storage_unavailable"
    assert alice.post(ticket["confirm_url"]).status_code == 200


def test_the_database_down_is_503(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_url="postgresql://nobody@127.0.0.1:9/none")
    client = Client(app, token(1))
    assert client.get("/readyz").get_json()["code"] == "database_unavailable"
    answer = client.post("/api/ads/1/upload_image/", declared(JPEG))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
    assert client.get("/healthz").status_code == 200


def test_case_24_a_line_break_in_a_user_agent_stays_in_one_log_line_without_the_token(
    app: Flask, alice: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad, headers_are_not_fields=None).get_json()
    capfd.readouterr()
    caplog.clear()
    # The line break is removed from the name, and its request is one line.
    assert alice.ticket(ad, file_name="a\r\nb.jpg").status_code == 201
    assert len([one for one in caplog.records if one.name == "broker.requests"]) == 1
    for record in caplog.records:
        text = str(record.__dict__)
        assert alice.token is not None
        assert alice.token not in text
        assert ticket["upload"]["fields"]["x-amz-signature"] not in text
