"""Erasures that meet tickets, confirms, workers, other erasures and other processes."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Deletion, Erasure, Image, Upload, User
from broker.services.processing.process import Outcome
from broker.storage.factory import object_files
from tests.faults.invariants import check_invariants
from tests.http.client import Client, at_once, declared, rows, send, token
from tests.http.erasure.erasing import (
    DAYS,
    erase,
    erika,
    issued,
    published,
    reap,
    state,
    texts_left,
)
from tests.http.first import FIRST_DATABASE, FIRST_SERVER
from tests.http.owners.granted import PROFILES, entry
from tests.http.reconciling import there
from tests.http.worker import Worker, scripted
from tests.servers.fixtures import Bucket

ROUNDS = 3


def meet(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at the same time; return their results in order."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]


def erasures_of_outbox(app: Flask) -> set[Any]:
    with app.extensions["broker"].database.session() as session:
        return set(session.scalars(select(Deletion.erasure_id)))


def check(app: Flask) -> None:
    state = check_invariants(app)
    assert state.violations == [], state


@FIRST_DATABASE
def test_twenty_erasures_at_once_are_one(app: Flask, service: Client) -> None:
    user = erika(app)
    published(user, f"/api/ads/{user.ad()}/upload_image/")
    answers = at_once(20, lambda: service.delete("/api/users/1/"))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert rows(app, Erasure) == 1
    events = service.get("/api/events/").get_json()["results"]
    assert [event["type"] for event in events] == ["image.ready", "image.deleted", "owner.erased"]
    check(app)


@FIRST_DATABASE
def test_a_ticket_for_an_avatar_and_an_erasure_wait_for_each_other(
    app: Flask, service: Client
) -> None:
    for number in range(10, 10 + ROUNDS):
        user = issued(app, number)
        user.get("/api/users/me/")
        path = f"/api/users/{number}/"
        ticket, erased = meet(
            lambda: user.post(f"{path}upload_avatar/", declared()),  # noqa: B023
            lambda: service.delete(path),  # noqa: B023
        )
        assert ticket.status_code in (201, 401, 403, 404), ticket.text
        assert erased.status_code == 202
    with app.extensions["broker"].database.session() as session:
        assert set(session.scalars(select(Upload.state))) <= {"cancelled"}
    check(app)


@FIRST_DATABASE
def test_a_new_ad_and_an_erasure_wait_for_each_other(app: Flask, service: Client) -> None:
    for number in range(10, 10 + ROUNDS):
        user = issued(app, number)
        user.get("/api/users/me/")
        body = {"title": "A", "description": "", "price": "1.00"}
        ad, erased = meet(
            lambda: user.post("/api/ads/", body),  # noqa: B023
            lambda: service.delete(f"/api/users/{number}/"),  # noqa: B023
        )
        assert ad.status_code in (201, 401), ad.text
        assert erased.status_code == 202
    assert service.get("/api/ads/").get_json()["results"] == []


@FIRST_DATABASE
def test_a_confirm_and_an_erasure_leave_no_image(app: Flask, service: Client) -> None:
    for number in range(10, 10 + ROUNDS):
        user = issued(app, number)
        paths = [f"/api/ads/{user.ad()}/upload_image/", f"/api/users/{number}/upload_avatar/"]
        tickets = [user.post(path, declared()).get_json() for path in paths]
        for ticket in tickets:
            send(ticket)
        *confirmed, erased = meet(
            lambda: user.post(tickets[0]["confirm_url"]),  # noqa: B023
            lambda: user.post(tickets[1]["confirm_url"]),  # noqa: B023
            lambda: service.delete(f"/api/users/{number}/"),  # noqa: B023
        )
        assert {answer.status_code for answer in confirmed} <= {200, 401, 404, 410}
        assert erased.status_code == 202
    assert rows(app, Image) == 0
    check(app)


@FIRST_DATABASE
@pytest.mark.parametrize("erased", ["user", "owner"])
def test_a_ticket_by_grant_and_an_erasure_wait_for_each_other(
    make_app: Callable[..., Flask], tmp_path: Path, erased: str
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    app = make_app(profiles_file=tmp_path / "profiles.toml")
    service = Client(app, token(900, role="service"))
    for number in range(10, 10 + ROUNDS):
        owner = f"/api/owners/product_image/{number}/"
        user = issued(app, number, authorization_details=[entry(str(number))])
        assert user.post(f"{owner}uploads/", declared()).status_code == 201
        ticket, answer = meet(
            lambda: user.post(f"{owner}uploads/", declared()),  # noqa: B023
            lambda: service.delete(f"/api/users/{number}/" if erased == "user" else owner),  # noqa: B023
        )
        assert ticket.status_code in (201, 401, 403), ticket.text
        assert answer.status_code == 202
    with app.extensions["broker"].database.session() as session:
        assert set(session.scalars(select(Upload.state))) == {"cancelled"}
    check(app)


@FIRST_SERVER
def test_what_a_worker_publishes_meanwhile_is_deleted(
    make_app: Callable[..., Flask], worker: Worker, s3_bucket: Bucket
) -> None:
    app = make_app(inspection="required")
    service = Client(app, token(900, role="service"))
    worker.app = app
    user = erika(app)
    published(user, f"/api/ads/{user.ad()}/upload_image/")
    erasures = []

    def erasing(request: Any, *, keep: Any) -> Any:
        erasures.append(erase(service, "/api/users/1/"))
        return scripted(request, keep=keep)

    worker.inspect = erasing
    assert worker.run() == [Outcome.LOST]
    assert None not in erasures_of_outbox(app)
    reap(app)
    assert state(service, erasures[0])["state"] == "deleting"
    reap(app, DAYS)
    assert state(service, erasures[0])["state"] == "done"
    assert rows(app, Deletion) == rows(app, Image) == 0
    assert check_invariants(app, at_rest=True).violations == []


@FIRST_SERVER
def test_files_that_a_worker_had_announced_belong_to_the_erasure(
    make_app: Callable[..., Flask], worker: Worker, s3_bucket: Bucket
) -> None:
    app = make_app(inspection="required")
    service = Client(app, token(900, role="service"))
    worker.app = app
    user = erika(app)
    published(user, f"/api/ads/{user.ad()}/upload_image/")
    erasures = []
    worker.files = files = object_files(app.extensions["broker"].settings)
    upload = files.upload

    def erasing(*args: Any, **kwargs: Any) -> str:
        if not erasures:
            erasures.append(erase(service, "/api/users/1/"))
        return upload(*args, **kwargs)

    files.upload = erasing  # type: ignore[method-assign]
    assert worker.run() == [Outcome.LOST]
    assert len(erasures_of_outbox(app)) == 1
    assert None not in erasures_of_outbox(app)
    reap(app, DAYS)
    reap(app, DAYS)
    assert state(service, erasures[0])["state"] == "done"
    assert check_invariants(app, at_rest=True).violations == []


@FIRST_DATABASE
def test_another_process_refuses_a_token_that_it_remembers_within_about_a_second(
    app: Flask, make_app: Callable[..., Flask], service: Client
) -> None:
    other = make_app()
    user = erika(other)
    assert user.get("/api/users/me/").status_code == 200
    erase(service, "/api/users/1/")
    began = time.monotonic()
    for _ in itertools.count():
        status = user.get("/api/ads/").status_code
        if status == 401:
            break
        assert status == 200
        assert time.monotonic() - began < 5
    assert time.monotonic() - began < 2.5
    assert texts_left(app) == []
    with app.extensions["broker"].database.session() as session:
        assert session.scalars(select(User.is_erased).where(User.id == 1)).all() == [True]


@FIRST_SERVER
def test_an_object_that_arrives_after_the_erasure_is_deleted(
    app: Flask, service: Client, s3_bucket: Bucket
) -> None:
    user = erika(app)
    ticket = user.ticket(user.ad()).get_json()
    erasure = erase(service, "/api/users/1/")
    reap(app, DAYS)
    assert state(service, erasure)["state"] == "done"
    assert send(ticket).status_code == 201
    reap(app, DAYS)
    assert not there(s3_bucket, f"incoming/{ticket['key']}")
    assert rows(app, Deletion) == 0
    check(app)
