"""Bucket notifications that come twice, late, out of order, or for unknown objects."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from flask import Flask

from broker.db.models import Deletion, Image, Upload
from tests.http.client import JPEG, Client, at_once, declared, rows, send, token
from tests.http.uploads.test_lifecycle import PAST_GRACE, gone, reap
from tests.secret_values import BUCKET_SECRET
from tests.servers.fixtures import Bucket

PATH = "/api/bucket_notifications/"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(bucket_notifications_secret=BUCKET_SECRET)


@pytest.fixture
def bucket(app: Flask) -> Client:
    return Client(app, BUCKET_SECRET)


def notification(*keys: str, name: str = "media-bucket") -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventName": "ObjectCreated:Post",
                "s3": {"bucket": {"name": name}, "object": {"key": quote_plus(key)}},
            }
            for key in keys
        ]
    }


def tell(bucket: Client, s3_bucket: Bucket, *keys: str) -> dict[str, int]:
    answer = bucket.post(PATH, notification(*keys, name=s3_bucket.name))
    assert answer.status_code == 200, answer.text
    outcomes: dict[str, int] = answer.get_json()["outcomes"]
    return outcomes


def state(client: Client, ticket: dict[str, Any]) -> str:
    return str(client.get(f"/api/uploads/{ticket['id']}/").get_json()["state"])


def test_a_notification_confirms_an_upload_like_its_client(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad(), alt_text="front view").get_json()
    send(ticket)
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"confirmed": 1}
    image = alice.post(ticket["confirm_url"])
    assert (image.status_code, image.get_json()["alt_text"]) == (200, "front view")
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"settled": 1}
    assert rows(app, Image) == 1
    assert rows(app, Deletion) == 0


def test_concurrent_notifications_and_confirms_create_one_image(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    body = notification(f"incoming/{ticket['key']}", name=s3_bucket.name)
    answers = at_once(8, lambda: (bucket.post(PATH, body), alice.post(ticket["confirm_url"])))
    assert {answer.status_code for pair in answers for answer in pair} == {200}
    assert rows(app, Image) == 1


def test_an_object_without_a_digest_is_promoted_by_its_notification(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(bucket_notifications_secret=BUCKET_SECRET, require_checksum=False)
    alice, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    ticket = alice.ticket(alice.ad(), checksum_sha256=None).get_json()
    send(ticket)
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"confirmed": 1}
    # The notifications for the copy to the final key and for the replayed form.
    assert tell(bucket, s3_bucket, f"media/{ticket['key']}") == {"unknown": 1}
    etag = s3_bucket.storage.head(f"media/{ticket['key']}").etag
    send(ticket, bytes(reversed(JPEG)))
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"settled": 1}
    assert s3_bucket.storage.head(f"media/{ticket['key']}").etag == etag
    assert list(s3_bucket.storage.list_objects("incoming/")) == []


def test_a_notification_before_or_without_the_object_changes_nothing(
    alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"missing": 1}
    assert state(alice, ticket) == "pending"


def test_a_notification_of_other_bytes_than_declared_rejects_the_upload(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    import boto3

    ticket = alice.ticket(alice.ad()).get_json()
    client = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    client.put_object(Bucket=s3_bucket.name, Key=f"incoming/{ticket['key']}", Body=b"forged")
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"rejected": 1}
    assert state(alice, ticket) == "rejected"
    assert gone(app, ticket["key"])


def test_an_object_written_after_its_upload_ended_is_deleted(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    cancelled, expired = (alice.ticket(ad).get_json() for _ in range(2))
    alice.delete(f"/api/uploads/{cancelled['id']}/")
    assert reap(app, PAST_GRACE).expired == 1
    reap(app, PAST_GRACE + timedelta(hours=2))  # this runs the second deletions, too
    for ticket in (cancelled, expired):
        assert send(ticket).status_code == 201
        assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"settled": 1}
        assert gone(app, ticket["key"])


def test_a_notification_that_comes_after_the_deletion_changes_nothing(
    app: Flask,
    alice: Client,
    bucket: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    reap(app, PAST_GRACE)
    assert gone(app, ticket["key"])
    asked: list[str] = []
    monkeypatch.setattr(app.extensions["broker"].storage, "delete", asked.append)
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"settled": 1}
    assert asked == []


def test_notifications_of_unknown_objects_are_ignored(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    odd = ("media/", "media/ads/ad_1/foreign.jpg", "other/x", "media/\x00", "media/\udcff", "")
    encodable = [key for key in odd if key.isprintable() or key == "media/\x00"]
    assert tell(bucket, s3_bucket, *encodable) == {"unknown": len(encodable)}
    elsewhere = bucket.post(PATH, notification(f"incoming/{ticket['key']}", name="another-bucket"))
    assert elsewhere.get_json()["outcomes"] == {"elsewhere": 1}
    assert bucket.post(PATH, {"Event": "s3:TestEvent"}).get_json()["outcomes"] == {}
    assert state(alice, ticket) == "pending"


def test_many_notifications_in_one_body_are_processed_in_any_order(
    app: Flask, alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    files = {"files": [declared()] * 5}
    answer = alice.post(f"/api/ads/{alice.ad()}/upload_images/", files)
    tickets = answer.get_json()["tickets"]
    for ticket in tickets[1:]:
        send(ticket)
    keys = [f"incoming/{ticket['key']}" for ticket in reversed(tickets)]
    assert tell(bucket, s3_bucket, *keys, *keys) == {"confirmed": 4, "settled": 4, "missing": 2}
    assert rows(app, Image) == 4


def test_while_the_bucket_is_down_a_notification_is_503_and_changes_nothing(
    make_app: Callable[..., Flask], alice: Client, bucket: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    down = make_app(bucket_notifications_secret=BUCKET_SECRET, s3_endpoint_url="http://127.0.0.1:9")
    answer = Client(down, BUCKET_SECRET).post(
        PATH, notification(f"incoming/{ticket['key']}", name=s3_bucket.name)
    )
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
    assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {"confirmed": 1}


@pytest.mark.parametrize("given", [None, "x", BUCKET_SECRET + "x", BUCKET_SECRET[:-1], "", "é"])
def test_without_the_secret_no_notification_is_read(app: Flask, given: str | None) -> None:
    answer = Client(app, None).post(
        PATH, {"Records": []}, headers={} if given is None else {"Authorization": f"Bearer {given}"}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (401, "events_secret_invalid")


def test_a_user_token_is_refused_for_notifications(
    alice: Client, bucket: Client, service: Client
) -> None:
    assert alice.post(PATH, {"Records": []}).status_code == 401
    assert service.post(PATH, {"Records": []}).status_code == 401
    assert bucket.post(f"/api/ads/{alice.ad()}/upload_image/", declared()).status_code == 401


def test_without_a_configured_secret_the_route_is_closed(make_app: Callable[..., Flask]) -> None:
    answer = Client(make_app(), "").post(PATH, {"Records": []})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "events_not_configured")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"a": 1, "a": 2}', 400, "malformed_json"),
        (b"{}", 422, "invalid_event"),
        (b"[]", 422, None),
        (b'{"Records": [1]}', 422, "invalid_event"),
    ],
)
def test_bad_input_gets_one_clear_problem(
    app: Flask, bucket: Client, body: bytes, status: int, code: str | None
) -> None:
    answer = bucket.call("POST", PATH, data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.get_json()["code"] == (code or "validation_error")
    assert rows(app, Upload) == 0
