"""Idempotency-Key when a request crashes, stalls, or is overtaken by its own retry."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from broker.db.models import Ad, IdempotencyKey, Upload
from broker.services.idempotency import LOCK
from tests.http.client import SECRET, Client, declared, rows
from tests.http.test_adversarial import at_once
from tests.servers.fixtures import Bucket

# A worker that is killed at the commit of a ticket, or immediately after it.
WORKER = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.orm import Session
from broker.app import create_app

moment, path, body, token = sys.argv[1:]
app = create_app()
statements = []

def note(_connection, _cursor, sql, *_):
    statements.append(sql)

def die(_session):
    if any("INSERT INTO uploads" in sql for sql in statements):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(app.extensions["broker"].database.engine, "before_cursor_execute", note)
event.listen(Session, moment, die)
headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
app.test_client().post(path, data=body, content_type="application/json", headers=headers)
"""
BODY = json.dumps(declared())


def post(client: Client, path: str) -> TestResponse:
    headers = {"Idempotency-Key": "k-1"}
    return client.post(path, data=BODY, content_type="application/json", headers=headers)


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def assert_one_ticket(app: Flask, ad: int) -> None:
    assert rows(app, Upload) == 1
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(Ad, ad).slots_taken == 1


@pytest.fixture
def killed_at(database_url: str, s3_bucket: Bucket, alice: Client) -> Callable[[str, str], None]:
    """Send the request to another process and check that it was killed."""

    def run(moment: str, path: str) -> None:
        environment = {
            **os.environ,
            "BROKER_DATABASE_URL": database_url,
            "BROKER_S3_BUCKET": s3_bucket.name,
            "BROKER_S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
            "BROKER_JWT_SECRET": SECRET,
        }
        arguments = [sys.executable, "-c", WORKER, moment, path, BODY, alice.token or ""]
        worker = subprocess.run(arguments, env=environment, capture_output=True, timeout=60)
        assert worker.returncode == -signal.SIGKILL, worker.stderr.decode()

    return run


def test_after_a_kill_behind_the_commit_the_retry_gets_the_ticket(
    app: Flask, alice: Client, killed_at: Callable[[str, str], None]
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"
    killed_at("after_commit", path)
    answer = post(alice, path)
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert alice.get(f"/api/uploads/{answer.get_json()['id']}/").get_json()["state"] == "pending"
    assert_one_ticket(app, ad)


def test_after_a_kill_before_the_commit_a_retry_creates_the_ticket_when_the_lock_has_expired(
    app: Flask,
    alice: Client,
    killed_at: Callable[[str, str], None],
    pass_time: Callable[[timedelta], None],
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"
    killed_at("before_commit", path)
    assert (rows(app, Upload), rows(app, IdempotencyKey)) == (0, 1)
    assert code(post(alice, path)) == (409, "idempotency_in_flight")
    pass_time(LOCK)
    other = alice.post(path, declared(order=1), headers={"Idempotency-Key": "k-1"})
    assert code(other) == (422, "idempotency_key_reused")
    answers = at_once(20, lambda: post(alice, path))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert_one_ticket(app, ad)


def once(act: Callable[[], None]) -> Callable[..., None]:
    """Return a listener that acts only on its first call."""
    left = [act]

    def listener(*_: Any) -> None:
        if left:
            left.pop()()

    return listener


@contextmanager
def at_the_commit_of_an_upload(app: Flask, moment: str, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at the commit of a new upload: `before_commit` or `after_commit`."""
    engine, inserted = app.extensions["broker"].database.engine, threading.Event()

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if "INSERT INTO uploads" in sql:
            inserted.set()

    def listener(_session: Session) -> None:
        if inserted.is_set():
            act()

    event.listen(engine, "before_cursor_execute", note)
    event.listen(Session, moment, listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(Session, moment, listener)


def test_a_first_request_overtaken_by_its_retry_creates_nothing(
    app: Flask, alice: Client, pass_time: Callable[[timedelta], None]
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"
    retries: list[TestResponse] = []

    def overtake() -> None:
        pass_time(LOCK)
        retries.append(post(alice, path))

    # Between the claim and the first statement that locks a row.
    stalled = once(overtake)

    def before_issue(*statement: Any) -> None:
        if "UPDATE ads" in statement[2]:
            stalled()

    engine = app.extensions["broker"].database.engine
    event.listen(engine, "before_cursor_execute", before_issue)
    late = post(alice, path)
    (retry,) = retries
    assert retry.status_code == 201
    assert "Idempotency-Replayed" not in retry.headers
    assert code(late) == (409, "idempotency_in_flight")
    assert post(alice, path).data == retry.data
    assert_one_ticket(app, ad)


def test_a_retry_during_the_commit_of_the_first_request_creates_nothing(
    app: Flask, alice: Client, pass_time: Callable[[timedelta], None]
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"
    retries: list[TestResponse] = []
    retry = threading.Thread(target=lambda: retries.append(post(alice, path)))

    def overtake() -> None:
        pass_time(LOCK)
        retry.start()

    start = once(overtake)

    with at_the_commit_of_an_upload(app, "before_commit", start):
        first = post(alice, path)
        retry.join(timeout=60)
    assert first.status_code == 201
    (answer,) = retries
    assert answer.data == first.data or code(answer) == (409, "idempotency_in_flight")
    assert post(alice, path).data == first.data
    assert_one_ticket(app, ad)


def test_an_answer_lost_after_the_commit_is_replayed(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_image/"

    class Lost(BaseException):
        """Ends a request without an answer, like the shutdown of a worker."""

    def lose() -> None:
        raise Lost

    with at_the_commit_of_an_upload(app, "after_commit", lose), pytest.raises(Lost):
        post(alice, path)
    assert post(alice, path).headers["Idempotency-Replayed"] == "true"
    assert_one_ticket(app, ad)
