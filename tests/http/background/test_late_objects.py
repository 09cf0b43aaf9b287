"""Objects that arrive after their upload has ended: found, charged, and deleted."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from flask import Flask

from broker.db.models import Deletion
from broker.domain.object_head import ListedObject, ObjectHead
from broker.domain.storage_errors import (
    ObjectBusy,
    ObjectRefused,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)
from broker.services.background.late_objects import Swept, sweep
from broker.services.background.reap import Reaped, reap_once
from broker.services.uploads.outbox import drain
from tests.attacks import SLOW
from tests.faults.invariants import check_invariants
from tests.http.charging import SIZE, charged
from tests.http.client import JPEG, Client, declared, rows, send, token
from tests.http.reconciling import put, there
from tests.http.uploads.test_lifecycle import PAST_GRACE
from tests.servers.fixtures import Bucket

LATE = PAST_GRACE + timedelta(minutes=1)


def reap(app: Flask, after: timedelta = LATE) -> Reaped:
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        return reap_once(work)


def cancelled(alice: Client, ad: int) -> str:
    ticket = alice.ticket(ad).get_json()
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    return str(ticket["key"])


def expired(alice: Client, ad: int) -> str:
    return str(alice.ticket(ad).get_json()["key"])


def image_deleted(alice: Client, ad: int) -> str:
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    image = alice.post(ticket["confirm_url"]).get_json()
    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    return str(ticket["key"])


def ad_deleted(alice: Client, ad: int) -> str:
    key = expired(alice, ad)
    assert alice.delete(f"/api/ads/{ad}/").status_code == 204
    return key


def avatar_replaced(alice: Client, _ad: int) -> str:
    first, second = (
        alice.post("/api/users/1/upload_avatar/", declared()).get_json() for _ in range(2)
    )
    for ticket in (first, second):
        send(ticket)
        assert alice.post(ticket["confirm_url"]).status_code == 200
    return str(first["key"])


ENDS: list[Callable[[Client, int], str]] = [
    cancelled,
    expired,
    image_deleted,
    ad_deleted,
    avatar_replaced,
]


@pytest.mark.parametrize(
    ("database_url", "s3_bucket", "end"),
    [
        *(("sqlite", "seaweedfs", end) for end in ENDS),
        ("postgresql", "minio", cancelled),
        *(pytest.param("postgresql", "minio", end, marks=SLOW) for end in ENDS[1:]),
    ],
    indirect=["database_url", "s3_bucket"],
)
def test_report_02_an_object_that_lands_after_the_last_deletion_is_found_charged_and_deleted(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Client, int], str],
) -> None:
    key = f"incoming/{end(alice, alice.ad())}"
    # No signature can write any more, and everything that is due was deleted.
    reap(app)
    reap(app)
    _, files = charged(app)
    put(s3_bucket, key, JPEG)
    assert httpx.get(f"{s3_bucket.server.endpoint_url}/{s3_bucket.name}/{key}").status_code == 403

    def refuse(_key: str) -> None:
        raise StorageDenied("not now")

    with monkeypatch.context() as patch:
        patch.setattr(app.extensions["broker"].storage, "delete", refuse)
        found = reap(app)
    assert (found.late, found.postponed) == (1, 1)
    assert charged(app) == (SIZE * (files + 1), files + 1)
    # It is charged once, however often it is seen.
    assert reap(app).late == 0
    assert charged(app) == (SIZE * (files + 1), files + 1)

    reap(app, LATE + timedelta(hours=2))
    assert not there(s3_bucket, key)
    assert charged(app) == (SIZE * files, files)
    assert check_invariants(app, at_rest=True).violations == []


def test_report_02_a_late_object_is_charged_above_the_quota(
    make_app: Callable[..., Flask], s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(quota_files=1)
    alice = Client(app, token(1))
    ad = alice.ad()
    key = cancelled(alice, ad)
    reap(app)
    assert charged(app) == (0, 0)
    assert alice.ticket(ad).status_code == 201
    put(s3_bucket, f"incoming/{key}", JPEG)
    with monkeypatch.context() as patch:
        patch.setattr(app.extensions["broker"].storage, "delete", lambda _key: _unavailable())
        reap(app, timedelta())
    assert charged(app)[1] == 2


def _unavailable() -> None:
    raise StorageDenied("not now")


def test_objects_of_pending_uploads_and_of_unknown_keys_are_left_alone(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    pending = alice.ticket(alice.ad()).get_json()
    send(pending)
    others = ["incoming/ads/ad_1/theirs.jpg", "incoming/a\nb", "incoming/ü", "media/x.jpg"]
    for key in others:
        put(s3_bucket, key)
    found: dict[str, Any] = vars(reap(app, timedelta()))
    assert (found["late"], found["deleted"]) == (0, 0)
    assert all(there(s3_bucket, key) for key in [*others, f"incoming/{pending['key']}"])
    assert alice.post(pending["confirm_url"]).status_code == 200


def test_an_upload_that_is_confirmed_during_a_round_is_not_charged_again(
    app: Flask, alice: Client
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert reap(app, timedelta(seconds=-30)).late == 0  # the round began before the confirm
    assert charged(app) == (SIZE, 1)


@pytest.mark.parametrize("after", [timedelta(), LATE], ids=["row-stays", "row-removed"])
def test_an_object_that_is_deleted_after_it_was_listed_is_not_charged(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    after: timedelta,
) -> None:
    """With a form that is still valid, the row stays for the second deletion."""
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    broker = app.extensions["broker"]
    now = datetime.now(UTC) + after
    really = broker.storage.list_objects

    def listed_before_another_reaper_drains(prefix: str) -> Iterator[ListedObject]:
        found = list(really(prefix))
        with broker.system_work(now=now) as another:
            assert drain(another).deleted == (2 if after else 1)
        yield from found

    monkeypatch.setattr(broker.storage, "list_objects", listed_before_another_reaper_drains)
    with broker.system_work(now=now) as work:
        assert sweep(work) == Swept(listed=1, late=0, postponed=0)
    assert not there(s3_bucket, f"incoming/{ticket['key']}")
    assert (rows(app, Deletion), charged(app)) == ((0, (0, 0)) if after else (1, (SIZE, 1)))


@pytest.mark.parametrize("error", [ObjectRefused, ObjectBusy])
def test_a_late_object_is_deleted_although_its_head_is_refused(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StorageError],
) -> None:
    key = f"incoming/{cancelled(alice, alice.ad())}"
    reap(app)
    put(s3_bucket, key)
    with monkeypatch.context() as patch:
        fail_heads(app, patch, error)
        found = reap(app)
    assert (found.late, found.deleted, found.postponed) == (1, 1, 0)
    assert not there(s3_bucket, key)


@pytest.mark.parametrize(("error", "asks"), [(StorageUnavailable, 2), (StorageDenied, 1)])
def test_a_late_object_waits_for_a_bucket_that_answers(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StorageError],
    asks: int,
) -> None:
    ad = alice.ad()
    keys = [f"incoming/{cancelled(alice, ad)}" for _ in range(2)]
    reap(app)
    for key in keys:
        put(s3_bucket, key)
    with monkeypatch.context() as patch:
        asked = fail_heads(app, patch, error)
        found = reap(app)
    assert (found.late, found.postponed, len(asked)) == (0, asks, asks)
    assert charged(app) == (0, 0)
    assert reap(app).late == 2


def test_an_object_whose_head_always_fails_keeps_no_other_in_the_bucket(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MinIO answers 503 for an object that too few disks have. Each listing shows it first."""
    ad = alice.ad()
    bad, *others = sorted(f"incoming/{cancelled(alice, ad)}" for _ in range(3))
    reap(app)
    for key in (bad, *others):
        put(s3_bucket, key)
    storage = app.extensions["broker"].storage
    really = storage.head

    def head(key: str) -> ObjectHead:
        if key == bad:
            raise StorageUnavailable("503")
        return really(key)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "head", head)
        found = reap(app)
    assert (found.late, found.deleted, found.postponed) == (2, 2, 1)
    assert [there(s3_bucket, key) for key in (bad, *others)] == [True, False, False]


def fail_heads(app: Flask, patch: pytest.MonkeyPatch, error: type[StorageError]) -> list[str]:
    """Let every HEAD fail; return the keys that are asked for."""
    asked: list[str] = []

    def fail(key: str) -> None:
        asked.append(key)
        raise error("not now")

    patch.setattr(app.extensions["broker"].storage, "head", fail)
    return asked
