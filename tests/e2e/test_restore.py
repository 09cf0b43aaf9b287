"""Backup and restore: the rehearsal next to a database in use, and a real restore."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask

from tests.e2e.restoring import Restored, dumped, reaped, run, set_environment
from tests.faults.invariants import check_invariants
from tests.http.client import Client, send, token
from tests.http.reconciling import image_of, there
from tests.http.variants import add_variant
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres

SCRIPT = Path(__file__).parent.parent.parent / "docs/operations/restore-rehearsal.sh"
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def empty(postgres_server: Postgres, make_app: Callable[..., Flask]) -> Restored:
    return Restored(postgres_server.url(postgres_server.create_database()), make_app)


@pytest.fixture(autouse=True)
def environment(s3_bucket: Bucket, empty: Restored, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(s3_bucket, empty, monkeypatch)


def rehearse(*urls: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", SCRIPT, *urls], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def writing(app: Flask) -> Iterator[Callable[[], None]]:
    """Upload, confirm, delete and prune in a loop; yield a function that waits for its start."""
    stop, at_it = threading.Event(), threading.Event()
    alice = Client(app, token(1))

    def write() -> int:
        images: list[dict[str, Any]] = []
        ad = alice.ad()
        # Five times a second at most: the rehearsal needs the processor, too.
        while not stop.wait(0.2):
            images.append(image_of(alice, ad))
            if len(images) > 5:
                at_it.set()
                gone = images.pop(0)["id"]
                assert alice.delete(f"/api/ads/{ad}/images/{gone}/").status_code == 204
                reaped(app)
                # A day later, what is deleted now is old enough to be pruned.
                reaped(app, uploads_retention=0, events_retention=0)
        return len(images)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(write)
        yield lambda: assert_set(at_it)
        stop.set()
        assert running.result(60) > 0


def assert_set(event: threading.Event) -> None:
    assert event.wait(60)


@pytest.mark.matrix(part="walks")
def test_a_rehearsal_next_to_a_database_in_use_says_that_its_backup_can_be_restored(
    database_url: str, empty: Restored, writing: Callable[[], None]
) -> None:
    writing()
    done = rehearse(database_url, empty.url)
    sys.stdout.write(done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: this backup can be restored"
    assert "rows    0 rows are wrong" in done.stdout
    again = rehearse(database_url, empty.url)
    assert (again.returncode, "nothing is written over" in again.stderr) == (2, True)


@pytest.mark.matrix(part="walks")
def test_a_rehearsal_reports_lost_objects_of_images_and_of_variants(
    app: Flask, alice: Client, s3_bucket: Bucket, database_url: str, empty: Restored
) -> None:
    image, other, lost = (image_of(alice, alice.ad()) for _ in range(3))
    variant = add_variant(app, s3_bucket, image)
    add_variant(app, s3_bucket, other)
    for key in (lost["image"], variant):
        s3_bucket.storage.delete(f"media/{key}")
    # A setting that only the broker's driver knows is not a fault of the backup.
    done = rehearse(f"{database_url}?prepare_threshold=none", empty.url)
    assert done.returncode == 1, done.stderr
    printed = [line for line in done.stdout.splitlines() if line.startswith("lost")]
    assert sorted(printed) == sorted(f"lost    {key}" for key in (lost["image"], variant))
    assert "3 images" in done.stdout
    assert done.stdout.splitlines()[-1] == "verdict: this backup cannot be restored as it is"


def test_a_rehearsal_without_a_database_gives_no_verdict() -> None:
    done = rehearse("postgresql://localhost/broker")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_after_a_restore_uploads_since_the_backup_are_adopted(
    app: Flask, alice: Client, s3_bucket: Bucket, database_url: str, empty: Restored
) -> None:
    ad = alice.ad()
    kept, deleted = image_of(alice, ad), image_of(alice, ad)
    pending = alice.ticket(ad).get_json()
    arrived = alice.ticket(ad).get_json()
    send(arrived)
    dumped(database_url, empty.url)
    began = datetime.now(UTC)

    since = image_of(alice, ad)
    send(pending)
    assert alice.post(pending["confirm_url"]).status_code == 200
    assert alice.delete(f"/api/ads/{ad}/images/{deleted['id']}/").status_code == 204
    reaped(app)
    assert not there(s3_bucket, f"media/{deleted['image']}")
    lost_ad = alice.ad()
    lost = image_of(alice, lost_ad)

    adopted = run("adopt", "--restored")
    assert adopted.stdout.splitlines()[0] == "adopted 1"
    assert f"    {lost['image']}" in adopted.stdout.splitlines()
    restored = empty.app()
    again = Client(restored, token(1))
    # A new ad must not get the id of the lost ad, because its photos still exist.
    assert again.ad() > lost_ad
    # "confirm", because uploads that were confirmed after the backup are pending in it.
    assert reaped(restored, reap="confirm").kept == 2
    shown = {one["image"] for one in again.get(f"/api/ads/{ad}/").get_json()["images"]}
    assert shown >= {kept["image"], since["image"], pending["key"], arrived["key"]}
    gone = next(one for one in image_ids(again, ad) if one["image"] == deleted["image"])
    assert again.delete(f"/api/ads/{ad}/images/{gone['id']}/").status_code == 204

    # Photos of the lost ad are deleted only with an explicit --before.
    kept_since = began.isoformat(timespec="seconds").replace("+00:00", "Z")
    run("reconcile", "--fix", "--before", kept_since)
    assert there(s3_bucket, f"media/{lost['image']}")
    assert run("db", "verify").exit_code == 0
    state = check_invariants(restored)
    # What its client sent is deleted by the bucket's rule for incoming/.
    assert sorted(state.violations) == [
        f"object {location}/{lost['image']} is known to no row"
        for location in ("incoming", "media")
    ]


def image_ids(client: Client, ad: int) -> list[dict[str, Any]]:
    return list(client.get(f"/api/ads/{ad}/").get_json()["images"])


def test_form_bytes_of_uploads_that_ended_before_the_backup_are_not_adopted(
    alice: Client, s3_bucket: Bucket, database_url: str, empty: Restored
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    assert alice.delete(f"/api/uploads/{ticket['id']}/").status_code == 204
    dumped(database_url, empty.url)
    send(ticket)
    assert run("adopt", "--restored").stdout.splitlines()[0] == "adopted 0"
    copy = f"media/ads/ad_{ad}/copy.jpg"
    client = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    source = {"Bucket": s3_bucket.name, "Key": f"incoming/{ticket['key']}"}
    client.copy_object(Bucket=s3_bucket.name, Key=copy, CopySource=source)
    assert run("adopt", "--restored").stdout.splitlines()[0] == "adopted 0"
