"""A restore with inspection required: nothing is lost, and what is left over is deleted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.domain.reconciliation import Action
from broker.inspection.inspected import Inspected, Request
from broker.services.processing.process import Outcome
from tests.e2e.restoring import Restored, dumped, reaped, run, set_environment
from tests.faults.invariants import check_invariants
from tests.http.client import Client, send, token
from tests.http.reconciling import PAST_EVERY_TICKET, reconciled, there
from tests.http.reprocess.runs import reprocessed
from tests.http.worker import Worker, processing, read, scripted, sent
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def empty(postgres_server: Postgres, make_app: Callable[..., Flask]) -> Restored:
    return Restored(postgres_server.url(postgres_server.create_database()), make_app)


@pytest.fixture(autouse=True)
def environment(s3_bucket: Bucket, empty: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(s3_bucket, empty, monkeypatch)


def heic_to_jpeg(request: Request, *, keep: Any) -> Inspected:
    """Accept every file, and convert HEIC files."""
    inspected = scripted(request, keep=keep)
    kept = request.content_type != "image/heic"
    image = inspected.image if kept else replace(inspected.image, content_type="image/jpeg")
    return replace(inspected, image=image)


@pytest.mark.matrix(part="inspection")
def test_after_a_restore_inspected_uploads_since_the_backup_are_published_again(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    database_url: str,
    empty: Restored,
    tmp_path: Path,
) -> None:
    app = make_app(inspection="required")
    alice = Client(app, token(1))
    worker = Worker(app, tmp_path, inspect=heic_to_jpeg)
    ad = alice.ad()
    heic = {"content_type": "image/heic", "file_name": "main.heic"}
    tickets = [sent(alice, ad), sent(alice, ad, **heic), processing(alice, ad, **heic)]
    late = alice.ticket(ad).get_json()
    dumped(database_url, empty.url)

    send(late)
    tickets.append(late)
    for ticket in tickets:
        assert alice.post(ticket["confirm_url"]).status_code == 202
    assert worker.run() == [Outcome.PUBLISHED] * 4
    lost = [read(alice, ticket)["image"]["image"] for ticket in tickets]
    assert [key.rpartition(".")[2] for key in lost] == ["jpg"] * 4
    reaped(app)
    assert not list(s3_bucket.storage.list_objects("incoming/"))

    restored = make_app(database_url=empty.url, inspection="required")
    again = Client(restored, token(1))
    worker = Worker(restored, tmp_path, inspect=heic_to_jpeg)
    # Until their images are recorded, nothing deletes the published ones.
    assert run("adopt", "--restored").stdout.splitlines()[0] == "adopted 0"
    orphans = reconciled(restored, fix=True, after=PAST_EVERY_TICKET)
    deleted = {one.key for one in orphans if one.action is Action.DELETED}
    assert len(deleted) == 4 * 2
    assert all(key.endswith(".webp") for key in deleted)
    assert reaped(restored, reap="confirm").kept == 3
    reaped(restored)
    assert all(there(s3_bucket, f"media/{key}") for key in lost)

    assert worker.run() == [Outcome.PUBLISHED] * 4
    shown = again.get(f"/api/ads/{ad}/").get_json()["images"]
    assert len(shown) == 4
    assert {one["image"] for one in shown}.isdisjoint(lost)
    reaped(restored, reap="confirm")
    assert not any(there(s3_bucket, f"media/{key}") for key in lost)
    assert reconciled(restored) == []
    assert run("db", "verify").exit_code == 0
    assert check_invariants(restored).violations == []


@pytest.mark.matrix(part="inspection")
def test_after_a_restore_variants_since_the_backup_are_not_adopted_as_images(
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    database_url: str,
    empty: Restored,
    tmp_path: Path,
) -> None:
    app = make_app(inspection="required")
    alice = Client(app, token(1))
    ad = alice.ad()
    dumped(database_url, empty.url)
    ticket = processing(alice, ad)
    assert Worker(app, tmp_path).run() == [Outcome.PUBLISHED]
    image = read(alice, ticket)["image"]
    assert len(image["variants"]) == 2
    assert run("adopt", "--restored").stdout.splitlines()[0] == "adopted 1"
    restored = make_app(database_url=empty.url, inspection="required")
    (shown,) = Client(restored, token(1)).get(f"/api/ads/{ad}/").get_json()["images"]
    assert (shown["image"], shown["variants"]) == (image["image"], [])
    found = reprocessed(restored, tmp_path)
    assert [one.result for one in found] == ["reprocessed"]
    reaped(restored)
    orphans = reconciled(restored, fix=True, after=PAST_EVERY_TICKET)
    deleted = {one.key for one in orphans if one.action is Action.DELETED}
    old = {"media/" + each["url"].partition("/media/")[2] for each in image["variants"]}
    assert old == {key for key in deleted if key.startswith("media/")}
    (now,) = Client(restored, token(1)).get(f"/api/ads/{ad}/").get_json()["images"]
    for each in now["variants"]:
        assert there(s3_bucket, "media/" + each["url"].partition("/media/")[2])
