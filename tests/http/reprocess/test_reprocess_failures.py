"""What stops `broker reprocess`, what does not, and what it leaves behind."""

import base64
import hashlib
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import Image, ImageVariant
from broker.domain.storage_errors import StorageUnavailable
from broker.inspection.inspected import Inspected, Request
from broker.storage.factory import object_files
from tests.http.client import Client, rows
from tests.http.commands import Commands
from tests.http.reconciling import put, reconciled
from tests.http.reprocess.runs import confirmed, reprocessed, results
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import real
from tests.photos import photo
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Cut:
    """The bucket fails before the second file."""

    def __init__(self, files: Any) -> None:
        self.files = files
        self.sent = 0
        self.download = files.download

    def upload(self, *args: Any, **kwargs: Any) -> Any:
        self.sent += 1
        if self.sent == 2:
            raise StorageUnavailable("The bucket does not answer; try again.")
        return self.files.upload(*args, **kwargs)


def test_an_image_that_cannot_be_reprocessed_is_reported_and_the_others_are_done(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    good, lost, other, hostile = (confirmed(alice, ad, photo()) for _ in range(4))
    s3_bucket.storage.delete(f"media/{lost['image']}")
    put(s3_bucket, f"media/{other['image']}", photo(300, 300))
    html = b"<html>".ljust(len(photo()), b" ")
    put(s3_bucket, f"media/{hostile['image']}", html)
    digest = base64.b64encode(hashlib.sha256(html).digest()).decode()
    with app.extensions["broker"].database.session() as session:
        one = update(Image).where(Image.id == hostile["id"])
        session.execute(one.values(checksum_sha256=digest))
        session.commit()
    found = reprocessed(app, tmp_path, inspect=real)
    assert results(found) == {
        good["id"]: "reprocessed",
        lost["id"]: "failed",
        other["id"]: "failed",
        hostile["id"]: "failed",
    }
    details = {one.image_id: one.detail for one in found}
    assert details[lost["id"]] == "No object at this key."
    assert "differs from the recorded one" in details[other["id"]]
    assert details[hostile["id"]].startswith("not_an_image")


@pytest.mark.matrix(part="inspection")
def test_a_run_that_the_bucket_stops_is_continued_by_the_next(
    app: Flask, alice: Client, s3_bucket: Bucket, tmp_path: Path
) -> None:
    ad = alice.ad()
    ids = [confirmed(alice, ad, photo())["id"] for _ in range(2)]
    files = Cut(object_files(app.extensions["broker"].settings))
    with pytest.raises(StorageUnavailable):
        reprocessed(app, tmp_path, files=files)
    assert len(list(s3_bucket.storage.list_objects("media/"))) == 3
    assert results(reprocessed(app, tmp_path)) == dict.fromkeys(ids, "reprocessed")
    reap(app)
    reap(app, timedelta(days=1))
    assert len(list(s3_bucket.storage.list_objects("media/"))) == 2 + 2 * 2
    assert reconciled(app) == []


@pytest.mark.matrix(part="inspection")
def test_a_run_stops_after_the_current_image_when_it_is_asked_to(
    app: Flask, alice: Client, tmp_path: Path
) -> None:
    ad = alice.ad()
    for _ in range(3):
        confirmed(alice, ad, photo())
    stopping: list[bool] = []

    def inspect(request: Request, *, keep: Any) -> Inspected:
        stopping.append(True)
        return real(request, keep=keep)

    def is_stopping() -> bool:
        return bool(stopping)

    found = reprocessed(app, tmp_path, inspect=inspect, is_stopping=is_stopping)
    assert [one.result for one in found] == ["reprocessed"]
    assert rows(app, ImageVariant) == 2


@pytest.mark.matrix(part="inspection")
def test_the_command_reports_what_it_has_done(
    app: Flask, alice: Client, s3_bucket: Bucket, database_url: str, commands: Commands
) -> None:
    ad = alice.ad()
    confirmed(alice, ad, photo())
    lost = confirmed(alice, ad, photo())
    s3_bucket.storage.delete(f"media/{lost['image']}")
    done = commands.run("reprocess --dry-run --since 2026-01-01", database_url)
    assert (done.status, done.out) == (
        0,
        "would reprocess 2, complete 0, changed meanwhile 0, failed 0\n",
    )
    done = commands.run("reprocess", database_url)
    assert (done.status, done.out.splitlines()) == (
        1,
        [
            f"image {lost['id']} {lost['image']}: No object at this key.",
            "reprocessed 1, complete 0, changed meanwhile 0, failed 1",
        ],
    )
    assert alice.delete(f"/api/ads/{ad}/images/{lost['id']}/").status_code == 204
    done = commands.run("reprocess --clean", database_url)
    assert (done.status, done.out) == (
        0,
        "reprocessed 1, complete 0, changed meanwhile 0, failed 0\n",
    )
    assert commands.run("reprocess --since tomorrow", database_url).status == 2


def test_a_directory_that_others_may_enter_stops_the_command_with_status_2(
    app: Flask,
    tmp_path: Path,
    database_url: str,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("broker.cli.reprocess.protect_parent", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"upload-broker-{os.getuid()}").mkdir(mode=0o755)
    ended = commands.run("reprocess", database_url)
    assert ended.status == 2
    assert "must be a directory that only this user may enter" in ended.err
    assert "Traceback" not in ended.err
