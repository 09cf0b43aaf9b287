"""Servers that are slow, down or restarted: clients get 503, and nothing is lost."""

import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from broker.db import migrate
from broker.db.models import Ad, Image, Upload
from broker.services.background.reap import reap_once
from broker.services.uploads.state import PUBLISH_TIME
from tests.faults import operations as scenes
from tests.faults import victim
from tests.faults.invariants import check_invariants
from tests.faults.operations import ALICE, SETTINGS, SETTLED, Scene
from tests.faults.victim import Request
from tests.http.client import Client, declared, rows, send
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy
from tests.servers.postgres import Postgres

ANSWERS_MAX = 12
AT_ONCE = 8
RACING = 300
MATRIX = pytest.mark.matrix(part="kill")


class Gate:
    """Passes a number of S3's answers and holds all others until it is opened."""

    def __init__(self) -> None:
        self.left = sys.maxsize
        self.held = 0
        self.opened = threading.Event()

    def close_after(self, answers: int) -> None:
        self.left, self.held = answers, 0
        self.opened.clear()

    def open(self) -> None:
        self.left = sys.maxsize
        self.opened.set()

    def pass_through(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.held += 1
            self.opened.wait(60)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "prepare",
    [
        scenes.confirm_and_promote,
        pytest.param(scenes.confirm_and_reject, marks=MATRIX),
        pytest.param(scenes.begin_parts, marks=MATRIX),
        pytest.param(scenes.complete, marks=MATRIX),
        pytest.param(scenes.cancel_parts, marks=MATRIX),
        pytest.param(scenes.reap_forms, marks=MATRIX),
    ],
)
def test_a_bucket_that_times_out_leaves_nothing_half_done(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Scene], Request],
) -> None:
    monkeypatch.setattr("broker.storage.factory.READ_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr("broker.storage.circuit_breaker.OPEN_SECONDS", 0.0)
    gate = Gate()
    with header_proxy(s3_bucket.server.endpoint_url, before_answer=gate.pass_through) as slow:
        app = make_app(s3_endpoint_url=s3_bucket.server.endpoint_url, **SETTINGS)
        behind = make_app(
            s3_endpoint_url=slow, s3_public_url=s3_bucket.server.endpoint_url, **SETTINGS
        )
        for answers in range(ANSWERS_MAX):
            request = prepare(Scene(app, s3_bucket))
            gate.close_after(answers)
            status = victim.perform(behind, request)
            held = gate.held
            gate.open()
            assert status in SETTLED | {503}
            state = check_invariants(app)
            sys.stdout.write(f"{prepare.__name__} no answer after {answers}: {status}, {state}\n")
            assert state.violations == []
            if not held:
                break
            # Not through the impatient one: on a busy machine an answer takes longer than 0.3 s.
            assert victim.perform(app, request) in SETTLED
        else:
            pytest.fail("it never ends")
        for days in (3, 6):
            victim.perform(app, Request(ALICE, after=timedelta(days=days)))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{prepare.__name__} at rest: {state}\n")
    assert state.violations == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_killed_and_restarted_database_loses_nothing(
    own_postgres: Postgres, make_app: Callable[..., Flask]
) -> None:
    url = own_postgres.url(own_postgres.create_database())
    migrate.upgrade(url)
    app = make_app(database_url=url)
    alice = Client(app, ALICE)
    answer = alice.post(f"/api/ads/{alice.ad()}/upload_images/", {"files": [declared()] * 20})
    tickets = answer.get_json()["tickets"]
    for ticket in tickets:
        send(ticket)
    own_postgres.stop()
    down = alice.post(tickets[0]["confirm_url"])
    assert (down.status_code, down.get_json()["code"]) == (503, "database_unavailable")
    assert "Retry-After" in down.headers
    own_postgres.start()
    confirmed = threading.Event()

    def confirm(ticket: dict[str, Any]) -> list[int]:
        """Confirm, and repeat it after each 503, as a correct client does."""
        statuses: list[int] = []
        while not statuses or statuses[-1] == 503:
            assert len(statuses) < 1000
            statuses.append(alice.post(ticket["confirm_url"]).status_code)
            confirmed.set()
        return statuses

    with ThreadPoolExecutor(4) as pool:
        running = pool.map(confirm, tickets)
        assert confirmed.wait(30)
        own_postgres.stop()
        own_postgres.start()
        statuses = list(running)
    assert {each[-1] for each in statuses} == {200}
    # A confirm that was interrupted leaves a deletion for the time after its copy could still run.
    later = datetime.now(UTC) + PUBLISH_TIME + timedelta(minutes=1)
    with app.extensions["broker"].system_work(now=later) as work:
        reap_once(work)
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"database killed twice: {state}\n")
    assert state.violations == []
    assert rows(app, Image) == 20


@MATRIX
@pytest.mark.parametrize(("database_url", "s3_bucket"), [("postgresql", "minio")], indirect=True)
def test_confirms_racing_reapers_end_each_upload_once(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(max_images_per_ad=RACING)
    alice = Client(app, ALICE)
    ad = alice.ad()
    tickets = [
        ticket
        for _ in range(RACING // 50)
        for ticket in alice.post(
            f"/api/ads/{ad}/upload_images/", {"files": [declared(b"x" * 9)] * 50}
        ).get_json()["tickets"]
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = list(pool.map(lambda ticket: send(ticket, b"x" * 9).status_code, tickets))
    assert set(sent) == {201}
    broker = app.extensions["broker"]
    random.Random(4).shuffle(tickets)
    # The tickets expire at intervals of one second, long after this test.
    first = datetime.now(UTC) + timedelta(days=1)
    with broker.database.session() as session:
        for number, ticket in enumerate(tickets):
            session.get_one(Upload, UUID(ticket["id"])).expires_at = first + timedelta(
                seconds=number
            )
        session.commit()
    answers: list[TestResponse] = []
    finished = threading.Event()

    def reap_until_finished(_number: int) -> int:
        """Run the reaper at the time when the tickets that are being confirmed expire."""
        expired = 0
        while not finished.is_set():
            front = len(answers) + AT_ONCE // 2
            now = first + broker.limits.grace + timedelta(seconds=front)
            with broker.system_work(now=now) as work:
                expired += reap_once(work).expired
        return expired

    with ThreadPoolExecutor(AT_ONCE + 2) as pool:
        reapers = [pool.submit(reap_until_finished, number) for number in range(2)]
        try:
            for answer in pool.map(lambda ticket: alice.post(ticket["confirm_url"]), tickets):
                answers.append(answer)  # append one by one, because the reapers read the length
        finally:
            finished.set()
        expired = sum(reaper.result() for reaper in reapers)
    assert {answer.status_code for answer in answers} <= {200, 410}
    for days in (3, 6):
        with broker.system_work(now=datetime.now(UTC) + timedelta(days=days)) as work:
            reap_once(work)
    with broker.database.session() as session:
        states = [upload.state for upload in session.query(Upload)]
        taken = sum(ad.slots_taken for ad in session.query(Ad))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{RACING} confirms, {expired} expired meanwhile: {state}\n")
    assert state.violations == []
    assert states.count("confirmed") == sum(answer.status_code == 200 for answer in answers)
    assert states.count("confirmed") + states.count("expired") == RACING
    assert taken == states.count("confirmed")
