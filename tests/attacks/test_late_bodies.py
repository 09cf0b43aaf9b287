"""Request bodies that arrive long after their upload has ended."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from flask import Flask

from broker.db.models import Deletion, UserQuota
from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.storage_errors import StorageDenied
from broker.services.background.bucket_notifications import handle_bucket_notifications
from broker.services.background.reap import Reaped, reap_once
from broker.services.uploads.outbox import BUSY_MAX
from tests.attacks import EACH_PAIR, FEW, MANY, SLOW
from tests.attacks.slow_bodies import SlowBody
from tests.faults.invariants import S3Listing, check_invariants
from tests.http.client import JPEG, Client, declared, rows, send, token
from tests.servers import minio
from tests.servers.fixtures import Bucket

DATA = b"\xff\xd8\xff" + b"slow" * 16384
# The time after the last signature, its grace period, and the longest attempt to publish.
LAST_DELETION = timedelta(hours=3)
REAPERS = 4


class Attacker:
    """A user whose upload ends while three bodies are being sent for it."""

    def __init__(
        self, app: Flask, number: int, bodies: ExitStack, transports: Sequence[str]
    ) -> None:
        self.api = Client(app, token(number))
        self.user = number
        self.transport = transports[number % len(transports)]
        self.ad = self.api.ad()
        self.avatar = number % 5 == 0
        self.ticket = self.issue()
        self.written = f"incoming/{self.ticket['key']}"
        self.slow = [bodies.enter_context(SlowBody(self.ticket, DATA)) for _ in range(3)]
        self.end = (
            self.replace_avatar,
            self.cancel,
            self.expire,
            self.delete_ad,
            self.delete_image,
        )[number % 5]

    def issue(self) -> dict[str, Any]:
        path = f"/api/users/{self.user}/upload_avatar/"
        path = path if self.avatar else f"/api/ads/{self.ad}/upload_image/"
        answer = self.api.post(path, declared(DATA, transport=self.transport))
        assert answer.status_code == 201, answer.text
        ticket: dict[str, Any] = answer.get_json()
        return ticket

    def confirm(self, ticket: dict[str, Any]) -> dict[str, Any]:
        with SlowBody(ticket, DATA) as body:
            assert body.finish() in (200, 201, 204)
        answer = self.api.post(ticket["confirm_url"])
        assert answer.status_code == 200, answer.text
        image: dict[str, Any] = answer.get_json()
        return image

    def cancel(self) -> None:
        assert self.api.delete(f"/api/uploads/{self.ticket['id']}/").status_code == 204

    def expire(self) -> None:
        """Do nothing: the reaper expires the upload."""

    def delete_ad(self) -> None:
        assert self.api.delete(f"/api/ads/{self.ad}/").status_code == 204

    def delete_image(self) -> None:
        image = self.confirm(self.ticket)
        path = f"/api/ads/{self.ad}/images/{image['id']}/"
        assert self.api.delete(path).status_code == 204

    def replace_avatar(self) -> None:
        self.confirm(self.ticket)
        self.confirm(self.issue())


def reap(app: Flask, now: datetime) -> Reaped:
    with app.extensions["broker"].system_work(now=now) as work:
        return reap_once(work)


def charged(app: Flask) -> tuple[int, int]:
    """Return the total bytes and files that users are charged for."""
    with app.extensions["broker"].database.session() as session:
        quotas = session.query(UserQuota).all()
        return sum(one.bytes_taken for one in quotas), sum(one.files_taken for one in quotas)


def check(app: Flask, about: str, *, at_rest: bool = False) -> dict[str, int]:
    state = check_invariants(app, at_rest=at_rest)
    sys.stdout.write(f"{about}: {state}\n")
    assert state.violations == []
    return state.counts


def nothing_is_public(bucket: Bucket, attackers: list[Attacker]) -> None:
    """Check that a stranger can read neither what was sent nor what was published before."""
    base = f"{bucket.server.endpoint_url}/{bucket.name}"
    with httpx.Client(verify=False, timeout=20) as stranger:
        for one in attackers:
            assert stranger.get(f"{base}/{one.written}").status_code == 403
            assert stranger.get(f"{base}/media/{one.ticket['key']}").status_code == 404


@EACH_PAIR
def test_report_02_bodies_that_arrive_after_the_last_deletion_are_charged_and_deleted(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app()
    # MinIO locks the key of a conditional PUT until the body has ended, see below.
    transports = ["post"] if is_minio(s3_bucket) else ["post", "put"]
    now = datetime.now(UTC) + LAST_DELETION
    with ExitStack() as bodies, ThreadPoolExecutor(count) as pool:
        attackers = list(
            pool.map(lambda n: Attacker(app, n, bodies, transports), range(1, count + 1))
        )
        first, second, third = zip(*(one.slow for one in attackers), strict=True)
        list(pool.map(lambda one: one.end(), attackers))
        check(app, f"{count} uploads ended while their bodies were being sent")
        reap(app, now)
        assert rows(app, Deletion) == 0
        before = charged(app)
        files = len(attackers)

        def arrive(slow: tuple[SlowBody, ...], how: str) -> None:
            statuses = set(pool.map(SlowBody.finish, slow))
            assert statuses <= {200, 201, 204}
            assert check(app, f"{files} bodies arrived, {how}")["objects"] - published == files
            nothing_is_public(s3_bucket, attackers)
            assert charged(app) == before

        published = check(app, "after the last deletion", at_rest=True)["objects"]
        arrive(first, "and several reapers run")
        now += timedelta(minutes=1)
        done = list(pool.map(partial(reap, app), [now] * REAPERS))
        assert sum(one.deleted for one in done) >= files
        check(app, "after one round of several reapers", at_rest=True)
        assert charged(app) == before

        arrive(second, "and the bucket refuses to delete them once")
        now += timedelta(minutes=1)
        with monkeypatch.context() as patch:
            patch.setattr(app.extensions["broker"].storage, "delete", refuse)
            refused = reap(app, now)
        assert (refused.late, refused.deleted, refused.postponed) == (files, 0, files)
        assert check(app, "charged while their deletion waits")["late"] == files
        assert charged(app) == (before[0] + files * len(DATA), before[1] + files)
        nothing_is_public(s3_bucket, attackers)
        now += timedelta(hours=1)
        assert reap(app, now).deleted == files
        check(app, "after the deletion", at_rest=True)
        assert charged(app) == before

        arrive(third, "and the bucket names them in notifications")
        with app.extensions["broker"].system_work(now=now) as work:
            created = [ObjectCreated(bucket=s3_bucket.name, key=one.written) for one in attackers]
            outcomes = handle_bucket_notifications(work, created * 2)
        assert outcomes == {"settled": 2 * files}
        check(app, "after the notifications", at_rest=True)
        assert charged(app) == before
    # Only what was confirmed stays charged: two avatars and one image of every five uploads.
    confirmed = sum({0: 2, 4: 1}.get(one.user % 5, 0) for one in attackers)
    assert before == (confirmed * len(DATA), confirmed)


@pytest.mark.parametrize(
    ("database_url", "s3_bucket", "count"),
    [
        ("sqlite", "minio", FEW),
        pytest.param("postgresql", "minio", MANY, marks=SLOW),
    ],
    indirect=["database_url", "s3_bucket"],
)
def test_report_02_keys_that_minio_locks_stay_charged_and_stop_no_other_upload(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MinIO answers neither HEAD nor DELETE of a key to which a conditional PUT is being sent."""
    monkeypatch.setattr("broker.storage.factory.READ_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr("broker.storage.factory.ATTEMPTS_MAX", 1)
    app = make_app()
    other = Client(app, token(1))
    now = datetime.now(UTC) + LAST_DELETION
    with ExitStack() as bodies, ThreadPoolExecutor(count) as pool:
        api = Client(app, token(2))
        tickets = [api.ticket(api.ad(), DATA, transport="put").get_json() for _ in range(count)]
        slow = [bodies.enter_context(SlowBody(ticket, DATA)) for ticket in tickets]
        wanted, sent = (other.ticket(other.ad()).get_json() for _ in range(2))
        assert {send(wanted).status_code, send(sent).status_code} == {201}
        for ticket in tickets[:2]:
            answer = api.post(ticket["confirm_url"])
            assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
            # Other users are not affected.
            assert other.post(wanted["confirm_url"]).status_code == 200
        for ticket in [*tickets, sent]:
            client = other if ticket is sent else api
            assert client.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
        rounds = count // BUSY_MAX + 1
        for _ in range(rounds):
            reap(app, now)
        assert "incoming/" + sent["key"] not in S3Listing(s3_bucket.storage).objects()
        state = check(app, f"{count} keys are locked")
        # The other two are deleted, so only the locked ones wait.
        assert state["deletions"] == count
        assert charged(app) == (len(DATA) * count + len(JPEG), count + 1)
        assert set(pool.map(SlowBody.finish, slow)) == {200}
        assert check(app, "their bodies have arrived")["objects"] == count + 1
        base = f"{s3_bucket.server.endpoint_url}/{s3_bucket.name}"
        assert httpx.get(f"{base}/incoming/{tickets[0]['key']}", verify=False).status_code == 403
        reap(app, now + timedelta(hours=2))
    check(app, "after one round", at_rest=True)
    assert charged(app) == (len(JPEG), 1)


def is_minio(bucket: Bucket) -> bool:
    return bucket.server.access_key == minio.ACCESS_KEY


def refuse(key: str) -> None:
    raise StorageDenied(f"The bucket refuses to delete {key}.")
