"""An upload that ends, or an ad that changes hands, before or while a worker processes it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from broker.inspection.inspected import Inspected, Request
from broker.services.processing.process import Outcome
from broker.storage.s3 import S3Storage
from tests.faults.invariants import check_invariants
from tests.http.client import Client, at_once
from tests.http.confirm.test_rights import give_away
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.worker import Worker, processing, read, scripted, sent
from tests.servers.fixtures import Bucket

Act = Callable[[Flask, Client, int, dict[str, Any]], None]


def cancel(app: Flask, alice: Client, ad: int, ticket: dict[str, Any]) -> None:
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204


def delete_ad(app: Flask, alice: Client, ad: int, ticket: dict[str, Any]) -> None:
    assert alice.delete(f"/api/ads/{ad}/").status_code == 204


def give_to_bob(app: Flask, alice: Client, ad: int, ticket: dict[str, Any]) -> None:
    give_away(app, ad, to=2)


def each_at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the functions at the same time; return their results in any order."""
    left = iter(acts)
    return at_once(len(acts), lambda: next(left)())


def nothing_is_left(app: Flask, bucket: Bucket) -> None:
    reap(app)
    reap(app, PAST_GRACE * 4)
    assert [item.key for item in bucket.storage.list_objects("")] == []
    assert check_invariants(app, at_rest=True).violations == []


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("act", [cancel, delete_ad, give_to_bob])
def test_an_upload_that_ends_before_a_worker_takes_it_publishes_nothing(
    act: Act,
    app: Flask,
    alice: Client,
    bob: Client,
    service: Client,
    worker: Worker,
    s3_bucket: Bucket,
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = processing(alice, ad)
    act(app, alice, ad, ticket)
    assert worker.run() in ([], [Outcome.CANCELLED])
    assert read(service, ticket)["state"] == "cancelled"
    gone = alice.post(ticket["confirm_url"])
    assert (gone.status_code, gone.get_json()["code"]) == (410, "upload_cancelled")
    nothing_is_left(app, s3_bucket)


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize("act", [cancel, delete_ad, give_to_bob])
def test_an_upload_that_ends_while_a_worker_inspects_it_publishes_nothing(
    act: Act,
    app: Flask,
    alice: Client,
    bob: Client,
    service: Client,
    worker: Worker,
    s3_bucket: Bucket,
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = processing(alice, ad)

    def meanwhile(request: Request, *, keep: Any) -> Inspected:
        act(app, alice, ad, ticket)
        return scripted(request, keep=keep)

    worker.inspect = meanwhile
    assert worker.run() in ([Outcome.LOST], [Outcome.CANCELLED])
    assert read(service, ticket)["state"] == "cancelled"
    nothing_is_left(app, s3_bucket)


def test_a_confirm_and_a_cancel_at_once_end_in_one_of_both(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for _ in range(4):
        ticket = sent(alice, ad)
        path = f"/api/uploads/{ticket['id']}/"
        acts = [partial(alice.post, f"{path}confirm/"), partial(alice.delete, path)]
        answers = each_at_once(*acts, *acts)
        assert {answer.status_code for answer in answers} <= {202, 204, 410}
        assert read(alice, ticket)["state"] == "cancelled"
    assert worker.run() == []
    nothing_is_left(app, s3_bucket)


@pytest.mark.matrix(part="inspection")
def test_a_confirm_and_the_deletion_of_its_ad_at_once_leave_nothing(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    for _ in range(4):
        ad = alice.ad()
        ticket = sent(alice, ad)
        answers = each_at_once(
            partial(alice.post, ticket["confirm_url"]), partial(alice.delete, f"/api/ads/{ad}/")
        )
        assert {answer.status_code for answer in answers} <= {202, 204, 404, 410}
        assert read(alice, ticket)["state"] == "cancelled"
    assert worker.run() == []
    nothing_is_left(app, s3_bucket)


def test_a_worker_and_a_cancel_at_once_leave_an_image_or_nothing(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for _ in range(4):
        ticket = processing(alice, ad)
        found = each_at_once(worker.next, partial(alice.delete, f"/api/uploads/{ticket['id']}/"))
        (answer,) = [one for one in found if not isinstance(one, Outcome | None)]
        state = read(alice, ticket)["state"]
        assert (answer.status_code, state) in {(204, "cancelled"), (409, "confirmed")}
    reap(app)
    reap(app, PAST_GRACE * 4)
    assert check_invariants(app, at_rest=True).violations == []


@pytest.mark.matrix(part="inspection")
def test_an_upload_of_an_ad_that_was_given_away_is_not_handed_over_to_a_worker(
    app: Flask, alice: Client, bob: Client, worker: Worker
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = sent(alice, ad)
    give_away(app, ad, to=2)
    for caller in (alice, bob):
        assert caller.post(ticket["confirm_url"]).status_code == 404
    assert read(alice, ticket)["state"] == "pending"
    assert worker.run() == []


@pytest.mark.matrix(part="inspection")
def test_an_ad_that_is_given_away_during_the_confirm_gets_no_upload_to_process(
    app: Flask, alice: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = sent(alice, ad)
    head = S3Storage.head

    def giving_away(self: S3Storage, key: str) -> Any:
        found = head(self, key)
        give_away(app, ad, to=2)
        return found

    monkeypatch.setattr(S3Storage, "head", giving_away)
    answer = alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert read(alice, ticket)["state"] == "pending"
