"""Every multipart upload ends with one image or none, and leaves no parts, even after a crash."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from flask import Flask

from broker.db.models import Deletion, Image, UploadPart
from broker.domain.storage_errors import ObjectNotFound, StorageUnavailable
from broker.services.background.reap import reap_once
from broker.services.multipart import complete as completing
from broker.storage.multipart import S3Multipart
from tests.http.client import EVERYWHERE, Client, rows, token
from tests.http.part_uploads import LARGE, PART, ask, multipart_ticket, put_part, put_parts, signed
from tests.servers.fixtures import Bucket

pytestmark = EVERYWHERE


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(part_size=PART)


def sent(alice: Client) -> dict[str, Any]:
    """Return a ticket with all its parts uploaded."""
    ticket = multipart_ticket(alice)
    put_parts(signed(alice, ticket, [1, 2, 3]))
    return ticket


def crash(*args: Any, **kwargs: Any) -> None:
    raise StorageUnavailable("the process died here")


def client_of(bucket: Bucket) -> Any:
    """Return an S3 client with admin credentials."""
    return boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)


def begun(bucket: Bucket, ticket: dict[str, Any]) -> int:
    """Count the multipart uploads in the bucket for the key of a ticket."""
    key = f"incoming/{ticket['key']}"
    found = client_of(bucket).list_multipart_uploads(Bucket=bucket.holding(key), Prefix=key)
    return len(found.get("Uploads", []))


def stored(app: Flask, ticket: dict[str, Any]) -> bool:
    try:
        app.extensions["broker"].storage.head(f"incoming/{ticket['key']}")
    except ObjectNotFound:
        return False
    return True


def reap(app: Flask, after: timedelta = timedelta()) -> None:
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        reap_once(work)


def test_a_crash_after_s3_completed_is_repaired_by_the_next_complete(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = sent(alice)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "confirm", crash)
        assert alice.post(ticket["upload"]["complete_url"]).status_code == 503
    assert stored(app, ticket)
    assert rows(app, Image) == 0
    progress = alice.get(ticket["upload"]["parts_url"]).get_json()
    assert (progress["parts"], progress["missing"]) == ([], [])
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200
    assert rows(app, Image) == 1


def test_a_crash_after_s3_completed_is_repaired_by_a_confirm(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = sent(alice)
    really = S3Multipart.complete

    def answer_lost(*args: Any) -> None:
        really(*args)
        raise StorageUnavailable("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(S3Multipart, "complete", answer_lost)
        assert alice.post(ticket["upload"]["complete_url"]).status_code == 503
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert rows(app, Image) == 1


def test_a_crash_without_a_retry_leaves_nothing(
    make_app: Callable[..., Flask], s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(part_size=PART, reap="delete")
    alice = Client(app, token(1))
    ticket = sent(alice)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "confirm", crash)
        assert alice.post(ticket["upload"]["complete_url"]).status_code == 503
    assert stored(app, ticket)
    reap(app, timedelta(days=1, hours=1))
    assert not stored(app, ticket)
    assert begun(s3_bucket, ticket) == 0
    assert (rows(app, Image), rows(app, UploadPart)) == (0, 0)
    assert alice.post(ticket["upload"]["complete_url"]).get_json()["code"] == "upload_expired"


def test_eight_concurrent_completes_create_one_image(app: Flask, alice: Client) -> None:
    ticket = sent(alice)
    answers: list[Any] = []

    def complete() -> None:
        # While S3 is still completing the upload, the answer is 409 object_missing: retry.
        for _ in range(50):
            answer = alice.post(ticket["upload"]["complete_url"])
            if answer.status_code == 200:
                break
            assert answer.get_json()["code"] in ("object_missing", "parts_missing"), answer.text
        answers.append(answer.get_json())

    threads = [threading.Thread(target=complete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] and answer["id"] for answer in answers)
    assert rows(app, Image) == 1
    assert stored(app, ticket)


@pytest.mark.parametrize("when", ["before", "after"])
def test_complete_racing_cancel_leaves_one_image_or_none(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    # The worst moments of the race: the ticket is cancelled during the completion.
    ticket = sent(alice)
    really = S3Multipart.complete

    def give_back() -> None:
        assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204

    def interrupted(*args: Any) -> None:
        if when == "before":
            give_back()
        really(*args)
        if when == "after":
            give_back()

    monkeypatch.setattr(S3Multipart, "complete", interrupted)
    late = alice.post(ticket["upload"]["complete_url"])
    assert (late.status_code, late.get_json()["code"]) == (410, "upload_cancelled")
    reap(app)
    assert not stored(app, ticket)
    assert begun(s3_bucket, ticket) == 0
    assert (rows(app, Image), rows(app, UploadPart)) == (0, 0)


def test_an_object_completed_after_the_abort_is_deleted(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = sent(alice)
    storage = app.extensions["broker"].storage
    really = storage.head

    def cancelled_meanwhile(key: str) -> Any:
        head = really(key)
        monkeypatch.undo()
        # The deletion for the cancelled ticket runs before the object exists.
        monkeypatch.setattr(storage, "delete", lambda key: None)
        assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
        monkeypatch.undo()
        return head

    monkeypatch.setattr(storage, "head", cancelled_meanwhile)
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 410
    assert not stored(app, ticket)


def test_after_an_abort_the_parts_are_gone_and_their_urls_fail(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = multipart_ticket(alice)
    urls = signed(alice, ticket, [1, 2])
    put_parts(urls[:1])
    assert begun(s3_bucket, ticket) == 1
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    assert begun(s3_bucket, ticket) == 0
    assert put_part(urls[1], LARGE[PART : 2 * PART]).status_code == 404
    for answer in (
        ask(alice, ticket, [3]),
        alice.get(ticket["upload"]["parts_url"]),
        alice.post(ticket["upload"]["complete_url"]),
        alice.post(ticket["confirm_url"]),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (410, "upload_cancelled")
    # It is aborted again when all URLs have expired. After that the outbox is empty.
    assert rows(app, Deletion) == 2
    reap(app, timedelta(days=2))
    assert rows(app, Deletion) == 0


def test_nothing_more_can_be_sent_after_complete(app: Flask, alice: Client) -> None:
    ticket = multipart_ticket(alice)
    urls = signed(alice, ticket, [1, 2, 3])
    put_parts(urls)
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200
    assert put_part(urls[0], LARGE[:PART]).status_code == 404
    for answer in (ask(alice, ticket, [1]), alice.get(ticket["upload"]["parts_url"])):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "upload_settled")
    assert alice.delete(f"/api/uploads/{ticket['id']}/").get_json()["code"] == "upload_settled"
    assert stored(app, ticket)


def test_an_upload_removed_by_the_lifecycle_rule_expires(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = sent(alice)
    client = client_of(s3_bucket)
    key = f"incoming/{ticket['key']}"
    name = s3_bucket.holding(key)
    (upload,) = client.list_multipart_uploads(Bucket=name, Prefix=key)["Uploads"]
    client.abort_multipart_upload(Bucket=name, Key=key, UploadId=upload["UploadId"])
    gone = alice.post(ticket["upload"]["complete_url"])
    assert (gone.status_code, gone.get_json()["code"]) == (410, "upload_expired")
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "expired"
    assert rows(app, UploadPart) == 0


def test_expired_urls_are_signed_again_and_a_stale_upload_expires(
    make_app: Callable[..., Flask], s3_bucket: Bucket
) -> None:
    app = make_app(part_size=PART, put_ttl=1, reap="delete")
    alice = Client(app, token(1))
    ticket = multipart_ticket(alice)
    urls = signed(alice, ticket, [1, 2, 3])
    threading.Event().wait(2.1)  # wait in real time, because X-Amz-Expires is in whole seconds
    late = put_part(urls[0], LARGE[:PART])
    assert late.status_code == 403
    assert "expired" in late.text or alice.server.name == "ceph"  # Ceph gives no message
    patient = Client(make_app(part_size=PART), token(1))
    put_parts(signed(patient, ticket, [1, 2, 3]))
    reap(app, timedelta(days=1, hours=1))
    assert begun(s3_bucket, ticket) == 0
    for answer in (ask(alice, ticket, [1]), alice.post(ticket["upload"]["complete_url"])):
        assert (answer.status_code, answer.get_json()["code"]) == (410, "upload_expired")
    assert rows(app, Image) == 0


def test_concurrent_first_requests_for_parts_create_one_multipart_upload(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = multipart_ticket(alice)
    statuses: list[int] = []

    def begin(number: int) -> None:
        statuses.append(ask(alice, ticket, [number]).status_code)

    threads = [threading.Thread(target=begin, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200, 200]
    assert begun(s3_bucket, ticket) == 1
    put_parts(signed(alice, ticket, [1, 2, 3]))
    assert alice.post(ticket["upload"]["complete_url"]).status_code == 200
