"""Confirms of an upload that a worker inspects: before, while and after it is processed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from flask import Flask

from broker.db.fast_path import driver_cursors
from broker.db.models import Deletion, Image, Upload
from broker.domain.rejections import DETAILS, RejectionReason
from broker.domain.states import UploadState
from broker.services.processing.process import Outcome
from tests.http.client import EACH_SERVER, Client, at_once, rows, send, token
from tests.http.confirm.test_rights import give_away
from tests.http.part_uploads import LARGE, PART, multipart_ticket, put_parts, signed
from tests.http.uploads.test_lifecycle import PAST_GRACE, gone, reap
from tests.http.worker import Worker, processing, read, rejecting, sent
from tests.servers.fixtures import Bucket


def in_state(app: Flask, state: UploadState) -> int:
    with app.extensions["broker"].database.session() as session:
        return int(session.query(Upload).filter(Upload.state == state).count())


def same(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body without the time of the answer."""
    return {name: value for name, value in body.items() if name != "server_time"}


def test_case_18_confirm_twice_while_it_is_processed_and_twice_afterwards(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ticket = sent(alice, alice.ad())
    first, second = (alice.post(ticket["confirm_url"]) for _ in range(2))
    assert [first.status_code, second.status_code] == [202, 202]
    assert same(first.get_json()) == same(second.get_json())
    assert same(first.get_json()) == same(read(alice, ticket))
    assert worker.run() == [Outcome.PUBLISHED]
    later = [alice.post(ticket["confirm_url"]) for _ in range(2)]
    assert [answer.status_code for answer in later] == [200, 200]
    assert later[0].get_json() == later[1].get_json()
    assert "Retry-After" not in later[0].headers
    assert rows(app, Image) == 1


def test_an_ad_that_is_lost_during_the_confirm_gets_no_photo_of_its_former_user(
    app: Flask, alice: Client, bob: Client, service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = sent(alice, ad)
    storage = app.extensions["broker"].storage
    head = storage.head

    def lose_the_ad(key: str) -> Any:
        found = head(key)
        give_away(app, ad, to=2)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(storage, "head", lose_the_ad)
        answer = alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert read(service, ticket)["state"] == "pending"
    assert alice.post(ticket["confirm_url"]).status_code == 404
    assert service.post(ticket["confirm_url"]).status_code == 202


def test_a_confirm_executes_two_statements_and_asks_the_bucket_only_for_the_ads_user(
    app: Flask, alice: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    bob.ad()
    kept, lost = sent(alice, ad), sent(alice, ad)
    storage = app.extensions["broker"].storage
    head = storage.head
    asked: list[str] = []

    def note(text: str, *_: object) -> None:
        asked.append(text.split()[0])

    def note_head(key: str) -> Any:
        asked.append("HEAD")
        return head(key)

    with monkeypatch.context() as patch:
        patch.setattr(driver_cursors, "observe", note)
        patch.setattr(storage, "head", note_head)
        assert alice.post(kept["confirm_url"]).status_code == 202
        assert [each for each in asked if each != "COMMIT"] == ["SELECT", "HEAD", "UPDATE"]
        asked.clear()
        give_away(app, ad, to=2)
        assert alice.post(lost["confirm_url"]).status_code == 404
        assert asked == ["SELECT"]


def test_case_19_twenty_confirms_at_once_leave_one_upload_to_process(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ticket = sent(alice, alice.ad())
    answers = at_once(20, lambda: alice.post(ticket["confirm_url"]))
    assert {answer.status_code for answer in answers} == {202}
    assert len({str(same(answer.get_json())) for answer in answers}) == 1
    assert in_state(app, UploadState.PROCESSING) == 1
    outcomes = [*at_once(4, worker.next), *at_once(20, lambda: alice.post(ticket["confirm_url"]))]
    assert outcomes[:4].count(Outcome.PUBLISHED) == 1
    assert {answer.status_code for answer in outcomes[4:]} == {200}
    assert rows(app, Image) == 1


def test_case_19_confirms_while_a_worker_publishes_answer_200_or_202(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ticket = processing(alice, alice.ad())
    acts = iter([worker.next, *[lambda: alice.post(ticket["confirm_url"])] * 19])
    found = at_once(20, lambda: next(acts)())
    answers = [one for one in found if not isinstance(one, Outcome)]
    assert [one for one in found if isinstance(one, Outcome)] == [Outcome.PUBLISHED]
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert rows(app, Image) == 1


@EACH_SERVER
def test_case_25_an_abandoned_upload_that_arrived_is_processed(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ad = alice.ad()
    arrived, never_sent = sent(alice, ad), alice.ticket(ad).get_json()
    done = reap(app, PAST_GRACE)
    assert (done.kept, done.expired) == (1, 1)
    assert read(alice, arrived)["state"] == "processing"
    assert alice.post(never_sent["confirm_url"]).get_json()["code"] == "upload_expired"
    # Nothing expires it, however long the workers are away.
    reap(app, timedelta(days=29))
    assert read(alice, arrived)["state"] == "processing"
    # On SQLite it is due at the time of the reaper.
    worker.now = datetime.now(UTC) + PAST_GRACE
    assert worker.run() == [Outcome.PUBLISHED]
    assert alice.post(arrived["confirm_url"]).get_json()["image"] == arrived["key"]


def test_case_25_an_abandoned_upload_is_deleted_even_if_a_worker_would_inspect_it(
    make_app: Callable[..., Flask], worker: Worker
) -> None:
    app = make_app(inspection="required", reap="delete")
    alice = Client(app, token(1))
    ticket = sent(alice, alice.ad())
    assert reap(app, PAST_GRACE).expired == 1
    assert worker.run() == []
    assert alice.post(ticket["confirm_url"]).status_code == 410
    assert not list(app.extensions["broker"].storage.list_objects(""))


def test_a_rejected_upload_answers_422_with_its_reason(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for reason in RejectionReason:
        ticket = processing(alice, ad)
        worker.inspect = rejecting(reason)
        assert worker.run() == [Outcome.REJECTED]
        upload = read(alice, ticket)
        assert (upload["state"], upload["reason"], upload["image"]) == ("rejected", reason, None)
        for path in ("confirm/", "renew/"):
            answer = alice.post(f"/api/uploads/{ticket['id']}/{path}")
            problem = answer.get_json()
            assert (answer.status_code, problem["code"]) == (422, "upload_rejected")
            assert (problem["reason"], problem["detail"]) == (reason, DETAILS[reason])
    reap(app)
    assert not list(s3_bucket.storage.list_objects(""))


def test_what_a_confirm_itself_finds_is_still_object_mismatch(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    boto3.client("s3", endpoint_url=s3_bucket.server.endpoint_url).put_object(
        Bucket=s3_bucket.holding("incoming/"),
        Key=ticket["upload"]["fields"]["key"],
        Body=b"other bytes",
    )
    answer = alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (422, "object_mismatch")
    upload = read(alice, ticket)
    assert (upload["state"], upload["reason"]) == ("rejected", None)
    assert gone(app, ticket["key"])


def test_an_upload_that_is_processed_is_not_renewed_and_takes_no_more_parts(
    make_app: Callable[..., Flask], worker: Worker
) -> None:
    app = make_app(inspection="required", part_size=PART)
    alice = Client(app, token(1))
    ticket = multipart_ticket(alice)
    put_parts(signed(alice, ticket, [1, 2, 3]))
    complete = ticket["upload"]["complete_url"]
    waiting = alice.post(complete)
    assert (waiting.status_code, waiting.get_json()["state"]) == (202, "processing")
    assert waiting.headers["Retry-After"] == "1"

    path = f"/api/uploads/{ticket['id']}/"
    for answer in (
        alice.post(f"{path}renew/"),
        alice.get(f"{path}parts/"),
        alice.post(f"{path}parts/", {"parts": [{"part_number": 1}]}),
    ):
        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == (409, "upload_settled")
        assert problem["detail"] == "The file has arrived and is being processed."
    assert alice.post(complete).status_code == 202
    assert worker.run() == [Outcome.PUBLISHED]
    assert alice.post(complete).status_code == 200
    upload = read(alice, ticket)
    assert (upload["size"], upload["checksum_verified"]) == (len(LARGE), True)


def test_a_failure_that_is_reported_after_the_file_has_arrived_advises_to_confirm(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ticket = processing(alice, alice.ad())
    path = f"/api/uploads/{ticket['id']}/failures/"
    assert alice.post(path, {"code": "NetworkError"}).get_json() == {"action": "confirm"}
    worker.run()
    assert alice.post(path, {"code": "NetworkError"}).get_json() == {"action": "confirm"}
    rejected = processing(alice, alice.ad())
    worker.inspect = rejecting(RejectionReason.CORRUPT)
    worker.run()
    path = f"/api/uploads/{rejected['id']}/failures/"
    assert alice.post(path, {"code": "NetworkError"}).get_json() == {"action": "give_up"}


def test_a_form_that_is_sent_again_while_its_file_is_processed_changes_nothing(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ticket = processing(alice, alice.ad())
    assert send(ticket).status_code == 201
    reap(app)
    assert rows(app, Deletion) == 0
    assert worker.run() == [Outcome.PUBLISHED]
    reap(app, PAST_GRACE)
    assert not list(s3_bucket.storage.list_objects("incoming/"))


def test_with_inspection_off_nothing_is_processed(
    make_app: Callable[..., Flask], worker: Worker
) -> None:
    alice = Client(make_app(inspection="off"), token(1))
    ticket = sent(alice, alice.ad())
    image = alice.post(ticket["confirm_url"])
    assert image.status_code == 200
    assert image.get_json()["variants"] == []
    assert [image.get_json()[name] for name in ("width", "height", "thumbhash")] == [None] * 3
    assert worker.run() == []
    assert read(alice, ticket)["image"] == image.get_json()
