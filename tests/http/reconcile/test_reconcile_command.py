"""The output and exit statuses of `broker reconcile` and `broker adopt`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from broker.cli import broker
from tests.http.client import EACH_DEPLOYMENT, SECRET, Client
from tests.http.reconciling import image_of, put, put_ours, there
from tests.servers.fixtures import Bucket

pytestmark = EACH_DEPLOYMENT


@pytest.fixture(autouse=True)
def environment(
    monkeypatch: pytest.MonkeyPatch, app: Flask, s3_bucket: Bucket, database_url: str
) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL", database_url)
    monkeypatch.setenv("BROKER_S3_BUCKET", s3_bucket.name)
    monkeypatch.setenv("BROKER_S3_INCOMING_BUCKET", s3_bucket.settings.s3_incoming_bucket or "")
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", s3_bucket.server.endpoint_url)
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)


def run(*arguments: str | Path) -> Result:
    done = CliRunner().invoke(broker, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_without_differences_the_status_is_0(alice: Client) -> None:
    image_of(alice, alice.ad())
    done = run("reconcile")
    assert done.exit_code == 0
    assert done.stdout == "2 objects, 1 images and variants: 0 orphan, 0 missing, 0 differs\n"
    assert json.loads(run("reconcile", "--json").stdout) == {
        "differences": [],
        "summary": {
            "objects": 2,
            "images": 1,
            "orphan": 0,
            "missing": 0,
            "differs": 0,
            "deleted": 0,
            "queued": 0,
            "kept": 0,
        },
    }


def test_with_differences_the_status_is_1(alice: Client, s3_bucket: Bucket) -> None:
    key = f"media/{image_of(alice, alice.ad())['image']}"
    s3_bucket.storage.delete(key)
    put(s3_bucket, "media/a\nb.jpg")
    done = run("reconcile")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "kind     action   key  (detail)",
        'orphan   -        "media/a\\nb.jpg"  (not the broker\'s)',
        f"missing  -        {key}  (image 1 has no object)",
        "2 objects, 1 images and variants: 1 orphan, 1 missing, 0 differs",
    ]
    found = json.loads(run("reconcile", "--json").stdout)
    assert [one["key"] for one in found["differences"]] == ["media/a\nb.jpg", key]
    assert found["differences"][0]["last_modified"].endswith("+00:00")
    assert found["summary"]["orphan"] == 1


def test_fix_prints_what_it_keeps(s3_bucket: Bucket) -> None:
    put_ours(s3_bucket, "media/ads/ad_1/x.jpg")
    done = run("reconcile", "--fix")
    assert done.exit_code == 1
    assert "orphan   kept     media/ads/ad_1/x.jpg  (younger than" in done.stdout
    assert done.stdout.endswith("1 orphan, 0 missing, 0 differs, 1 kept\n")
    assert there(s3_bucket, "media/ads/ad_1/x.jpg")


def test_an_error_is_status_2_and_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("reconcile", "--unknown").exit_code == 2
    for arguments in (
        ["reconcile", "--inventory", tmp_path / "none.json"],
        ["adopt", "--csv", tmp_path / "none.csv"],
    ):
        done = run(*arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith("broker: ")
        assert done.stderr.count("\n") == 1
    monkeypatch.setenv("BROKER_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    for command in ("reconcile", "adopt"):
        assert run(command).exit_code == 2
    monkeypatch.setenv("BROKER_S3_BUCKET", "")
    for command in ("reconcile", "adopt"):
        assert run(command).exit_code == 2


def test_adopt_then_reconcile_says_that_nothing_differs(alice: Client, s3_bucket: Bucket) -> None:
    ad = alice.ad()
    for name in ("a.jpg", "b c.jpg"):
        put(s3_bucket, f"media/ads/ad_{ad}/{name}")
    assert run("adopt", "--dry-run").stdout == "would adopt 2\n"
    done = run("adopt")
    assert (done.exit_code, done.stdout) == (0, "adopted 2\n")
    assert run("reconcile").exit_code == 0
    again = run("adopt", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["skipped"]["known"]["count"] == 2


def test_adopt_lists_what_it_skipped_and_ends_with_1(s3_bucket: Bucket) -> None:
    put(s3_bucket, "media/ads/ad_9/a.jpg")
    done = run("adopt")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "adopted 0",
        "left 1 no_owner: the ad or user does not exist",
        "    ads/ad_9/a.jpg",
    ]


def test_a_time_is_allowed_only_with_fix_and_needs_a_zone() -> None:
    assert run("reconcile", "--before", "2026-11-26T03:00:00Z").exit_code == 2
    assert run("reconcile", "--fix", "--before", "2026-11-26T03:00:00").exit_code == 2
    assert run("reconcile", "--fix", "--before", "2026-11-26T03:00:00Z").exit_code == 0
