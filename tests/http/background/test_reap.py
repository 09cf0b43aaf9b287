"""The reaper: several reapers at once, with BROKER_REAP=confirm, and as a process."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Ad, Deletion, Image, Upload
from broker.services.background.reap import Reaped, reap_once
from broker.services.uploads.outbox import enqueue
from tests.http.client import EVERYWHERE, SECRET, Client, declared, rows, send, token
from tests.http.part_uploads import PART, multipart_ticket, put_parts, signed
from tests.http.uploads.test_lifecycle import PAST_GRACE, gone, reap
from tests.servers.fixtures import Bucket

LONG_PAST = timedelta(days=2)


@pytest.fixture
def keeping(make_app: Callable[..., Flask]) -> Flask:
    """Create an app with BROKER_REAP=confirm."""
    return make_app(reap="confirm", require_checksum=False, part_size=PART)


def state(app: Flask, ticket: dict[str, Any]) -> str:
    answer = Client(app, token(1)).get(f"/api/uploads/{ticket['id']}/")
    return str(answer.get_json()["state"])


@EVERYWHERE
def test_arrived_uploads_are_confirmed_and_all_others_expire(keeping: Flask) -> None:
    alice = Client(keeping, token(1))
    ad = alice.ad()
    arrived, absent = (alice.ticket(ad).get_json() for _ in range(2))
    unpinned = alice.ticket(ad, checksum_sha256=None).get_json()
    whole = multipart_ticket(alice)
    broken = multipart_ticket(alice)
    send(arrived)
    send(unpinned)
    put_parts(signed(alice, whole, [1, 2, 3]))
    put_parts(signed(alice, broken, [1, 3]))
    assert reap(keeping) == Reaped()
    done = reap(keeping, LONG_PAST)
    assert (done.kept, done.expired, done.postponed) == (3, 2, 0)
    tickets = (arrived, unpinned, whole, absent, broken)
    assert [state(keeping, ticket) for ticket in tickets] == ["confirmed"] * 3 + ["expired"] * 2
    images = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert {image["image"] for image in images} == {arrived["key"], unpinned["key"]}
    assert alice.post(whole["upload"]["complete_url"]).status_code == 200
    assert alice.post(arrived["confirm_url"]).status_code == 200
    assert alice.post(absent["confirm_url"]).get_json()["code"] == "upload_expired"
    reap(keeping, LONG_PAST * 2)
    assert rows(keeping, Deletion) == 0
    assert not gone(keeping, arrived["key"])


def test_a_late_confirm_succeeds_if_the_object_arrived_in_time(
    keeping: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Client(keeping, token(1))
    arrived, absent = (alice.ticket(alice.ad()).get_json() for _ in range(2))
    send(arrived)
    later = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: later)
    assert alice.post(arrived["confirm_url"]).status_code == 200
    assert alice.post(absent["confirm_url"]).get_json()["code"] == "upload_expired"


def test_other_bytes_than_declared_are_not_kept(keeping: Flask, s3_bucket: Bucket) -> None:
    alice = Client(keeping, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    client = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    client.put_object(
        Bucket=s3_bucket.holding("incoming/"), Key=f"incoming/{ticket['key']}", Body=b"forged"
    )
    assert reap(keeping, PAST_GRACE).kept == 0
    assert state(keeping, ticket) == "rejected"
    assert gone(keeping, ticket["key"])


def test_a_request_for_a_ticket_confirms_a_stale_upload_that_has_arrived(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(reap="confirm", max_images_per_ad=1)
    alice = Client(app, token(1))
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    late = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: late)
    assert alice.ticket(ad).status_code == 409
    assert state(app, ticket) == "confirmed"


def test_a_request_for_tickets_looks_for_at_most_twenty_stale_uploads(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(reap="confirm", max_images_per_ad=25)
    alice = Client(app, token(1))
    ad, other = alice.ad(), alice.ad()
    for one in (ad, other):
        files = {"files": [declared()] * 25}
        assert alice.post(f"/api/ads/{one}/upload_images/", files).status_code == 201
    late = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: late)
    asked: list[str] = []
    storage = app.extensions["broker"].storage
    really = storage.head
    monkeypatch.setattr(storage, "head", lambda key: (asked.append(key), really(key))[1])
    assert alice.ticket(ad).status_code == 201
    # One HEAD for what the client sent, one for an object published before a restore.
    assert len({key.partition("/")[2] for key in asked}) == 20
    assert len(asked) == 40
    assert all(f"/ads/ad_{ad}/" in key for key in asked)


def test_a_request_for_tickets_deletes_at_most_twenty_stale_uploads(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(reap="delete", max_images_per_ad=25)
    alice = Client(app, token(1))
    ad = alice.ad()
    path = f"/api/ads/{ad}/upload_images/"
    assert alice.post(path, {"files": [declared()] * 25}).status_code == 201
    late = datetime.now(UTC) + PAST_GRACE
    monkeypatch.setattr("broker.services.work.utc_now", lambda: late)
    assert alice.ticket(ad).status_code == 201
    with app.extensions["broker"].database.session() as session:
        states = Counter(session.scalars(select(Upload.state)))
    assert states == {"expired": 20, "pending": 6}
    # The next request ends the others.
    assert alice.post(path, {"files": [declared()] * 20}).status_code == 201
    assert reap(app, timedelta()).expired == 0


def test_while_the_bucket_is_down_no_upload_expires(
    make_app: Callable[..., Flask], keeping: Flask
) -> None:
    alice = Client(keeping, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    down = make_app(reap="confirm", s3_endpoint_url="http://127.0.0.1:9")
    assert reap(down, PAST_GRACE).postponed == 2
    assert state(keeping, ticket) == "pending"
    assert reap(keeping, PAST_GRACE).kept == 1


@pytest.mark.parametrize("policy", ["confirm", "delete"])
def test_many_concurrent_reapers_end_each_upload_once(
    make_app: Callable[..., Flask], policy: str
) -> None:
    app = make_app(reap=policy)
    alice = Client(app, token(1))
    for _ in range(2):
        ad = alice.ad()
        answer = alice.post(f"/api/ads/{ad}/upload_images/", {"files": [declared()] * 20})
        for ticket in answer.get_json()["tickets"][:10]:
            assert send(ticket).status_code == 201
    broker = app.extensions["broker"]
    now = datetime.now(UTC) + PAST_GRACE

    def run(_number: int) -> Reaped:
        with broker.system_work(now=now) as work:
            return reap_once(work)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, range(4)))
    kept = rows(app, Image)
    assert kept == (20 if policy == "confirm" else 0)
    with broker.database.session() as session:
        states = [upload.state for upload in session.query(Upload)]
        taken = sum(ad.slots_taken for ad in session.query(Ad))
    assert (states.count("confirmed"), states.count("expired")) == (kept, 40 - kept)
    assert taken == kept
    assert sum(one.deleted for one in done) == 40


@pytest.fixture
def environment(s3_bucket: Bucket, database_url: str) -> dict[str, str]:
    """Return the environment of a reaper process."""
    return {
        **os.environ,
        "BROKER_DATABASE_URL": database_url,
        "BROKER_S3_BUCKET": s3_bucket.name,
        "BROKER_S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "BROKER_JWT_SECRET": SECRET,
        "PYTHONUNBUFFERED": "1",
    }


def test_a_reaper_process_works_until_it_is_stopped(
    app: Flask, environment: dict[str, str]
) -> None:
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    alice.delete(f"/api/uploads/{ticket['id']}/")
    assert rows(app, Deletion) == 1
    command = [sys.executable, "-m", "broker", "reap", "--every", "3600"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = "kept 0 expired 0 late 0 deleted 1 pruned 0 postponed 0\n"
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert gone(app, ticket["key"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_reaper_continues_if_its_output_is_closed(
    app: Flask, environment: dict[str, str]
) -> None:
    reads, output = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "broker", "reap", "--every", "1"]
    with subprocess.Popen(command, env=environment, stdout=output) as process:
        os.close(output)
        try:
            for key in ("media/first.jpg", "media/second.jpg"):
                with app.extensions["broker"].database.session() as session:
                    enqueue(session, key, now=datetime.now(UTC))
                    session.commit()
                pause, tries = threading.Event(), 600
                while rows(app, Deletion) > 0:
                    assert process.poll() is None, f"it ended before it deleted {key}"
                    assert (tries := tries - 1) > 0
                    pause.wait(0.1)
        finally:
            process.kill()


@pytest.mark.parametrize("arguments", [[], ["--once", "--every", "5"], ["--every", "0"]])
def test_reap_requires_once_or_every(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "broker", "reap", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 2
    assert "Usage" in answer.stderr


def test_the_metrics_show_the_outbox(app: Flask, alice: Client, anyone: Client) -> None:
    assert "broker_outbox_waiting 0.0" in anyone.get("/metrics").text
    ticket = alice.ticket(alice.ad()).get_json()
    alice.delete(f"/api/uploads/{ticket['id']}/")
    text = anyone.get("/metrics").text
    assert "broker_outbox_waiting 1.0" in text
    assert "broker_outbox_refused 0.0" in text
