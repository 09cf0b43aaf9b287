"""With inspection required: workers, waiting uploads, and what a worker has published."""

import base64
import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from broker.db.models import Base, Image, ImageVariant, Upload, User, Worker
from broker.db.session import Database
from broker.doctor.checks import CHECKS
from broker.domain.media_types import EXTENSIONS
from broker.storage.bucket_setup.iam import iam_policy
from tests.doctor.conftest import Deployment, Environment
from tests.doctor.test_healthy import OF_PRIVATE_FILES
from tests.doctor.test_permission_faults import as_allowed_by
from tests.doctor.test_public_faults import let_anyone
from tests.http.client import JPEG

NOW = datetime.now(UTC)
# The doctor reads only the beginning of a file this large.
LARGE = JPEG + b"x" * 300_000
FILES = {"ads/ad_1/main_a.jpg": LARGE, "ads/ad_1/main_a_w320.webp": b"a small one"}
TYPES = {"jpg": "image/jpeg", "webp": "image/webp"}


def add(tmp_path: Path, *rows: Base) -> None:
    """Insert rows into the database of the deployment."""
    database = Database(f"sqlite:///{tmp_path / 'broker.db'}")
    with database.session() as session:
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()
    database.dispose()


def worker(*, seen: timedelta = timedelta(seconds=3), **changes: Any) -> Worker:
    """Return the heartbeat of a healthy worker with some changes."""
    values = {
        "id": uuid.uuid4(),
        "host": "worker-1",
        "process_id": 4711,
        "release": version("upload-broker"),
        "started_at": NOW - timedelta(hours=1),
        "seen_at": datetime.now(UTC) - seen,
        "self_test": None,
        "is_isolated": True,
        "content_types": " ".join(EXTENSIONS),
    }
    return Worker(**values | changes)


def processing(age: timedelta) -> list[Base]:
    """Return an upload that has been in processing for some time, and its user."""
    user = User(id=1, first_name="", last_name="", created_at=NOW, updated_at=NOW)
    upload = Upload(
        id=uuid.uuid4(),
        state="processing",
        owner_kind="ad",
        owner_id=1,
        user_id=1,
        issued_by=1,
        key="ads/ad_1/main_b.jpg",
        content_type="image/jpeg",
        size=1,
        transport="post",
        alt_text="",
        order=0,
        created_at=NOW - age,
        expires_at=NOW,
        processing_since=datetime.now(UTC) - age,
        due_at=NOW,
    )
    return [user, upload]


def row_of(key: str, **more: Any) -> dict[str, Any]:
    data = FILES[key]
    return {
        "key": key,
        "content_type": TYPES[key.rpartition(".")[2]],
        "size": len(data),
        "checksum_sha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        "etag": "x",
        **more,
    }


def put(deployment: Deployment, key: str, data: bytes) -> None:
    deployment.client().put_object(
        Bucket=deployment.bucket.name,
        Key=f"media/{key}",
        Body=data,
        ContentType=TYPES[key.rpartition(".")[2]],
        CacheControl="public, max-age=86400",
    )


@pytest.fixture
def published(on_minio: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """Return a deployment with a worker, and an image with a variant that it has published."""
    on_minio.set(INSPECTION="required")
    image, variant = FILES
    add(
        tmp_path,
        worker(),
        Image(
            **row_of(image, owner_kind="ad", owner_id=1, alt_text="", order=0, created_at=NOW),
            variants=[ImageVariant(**row_of(variant, width=320, height=240))],
        ),
    )
    for key, data in FILES.items():
        put(on_minio, key, data)
    yield on_minio
    left = on_minio.keys()
    assert sorted(left) == [f"media/{key}" for key in FILES]
    for key in left:
        on_minio.client().delete_object(Bucket=on_minio.bucket.name, Key=key)


def test_every_check_passes_with_the_policy_of_the_api(published: Deployment) -> None:
    settings = published.bucket.settings.model_copy(update={"inspection": "required"})
    as_allowed_by(published, iam_policy(settings, "api"))
    report = published.doctor(PUT_TTL="600")
    assert report.failed == set()
    skipped = {f["check"] for f in report.findings if f["outcome"] == "skip"}
    assert skipped == {"jwks", "broker-url", "events", *OF_PRIVATE_FILES}
    warned = {"response-headers", "credentials", "rate-limits"}
    assert {check.name for check in CHECKS} - skipped - warned <= report.passed
    assert report.of("workers", "ok")["detail"].startswith("1 worker runs")
    assert "a worker would inspect it" in report.of("confirm", "ok")["detail"]
    assert "main_a.jpg" in report.of("public-read", "ok")["detail"]


@pytest.mark.matrix(part="inspection")
def test_a_key_that_may_write_below_media_is_a_warning(published: Deployment) -> None:
    report = published.doctor()
    found = report.of("media-write", "warn")
    assert found["setting"] == "AWS_ACCESS_KEY_ID"
    assert "broker bucket iam api" in found["fix"]
    assert report.failed == set()


@pytest.mark.matrix(part="inspection")
def test_a_published_image_that_nobody_can_read_is_a_failure(published: Deployment) -> None:
    let_anyone(published, GetObject="/elsewhere/*")
    fault = published.doctor().of("public-read", "fail")
    assert "403 AccessDenied for the newest image ads/ad_1/main_a.jpg" in fault["detail"]


@pytest.mark.matrix(part="inspection")
@pytest.mark.parametrize(
    ("key", "data"), [("ads/ad_1/main_a.jpg", LARGE + b"x"), ("ads/ad_1/main_a_w320.webp", b"y")]
)
def test_other_bytes_than_the_published_ones_are_a_failure(
    published: Deployment, key: str, data: bytes
) -> None:
    put(published, key, data)
    fault = published.doctor().of("public-read", "fail")
    assert f"{key} comes with other bytes" in fault["detail"]


@pytest.mark.matrix(part="inspection")
def test_before_the_first_image_public_reading_is_not_checked(deployment: Deployment) -> None:
    report = deployment.doctor(INSPECTION="required")
    for check in ("public-read", "response-headers"):
        assert report.of(check, "skip")["detail"] == "no image has been published yet"
    assert report.failed == {"workers"}


def test_without_a_worker_that_was_seen_lately_it_fails(
    no_bucket: Environment, tmp_path: Path
) -> None:
    add(tmp_path, worker(seen=timedelta(seconds=65)))
    fault = no_bucket.doctor(INSPECTION="required").of("workers", "fail")
    assert fault["detail"].startswith("no worker was seen within a minute")
    assert fault["setting"] == "BROKER_INSPECTION"
    assert fault["fix"].startswith("start broker worker")


def test_a_failed_self_test_is_a_failure(no_bucket: Environment, tmp_path: Path) -> None:
    add(tmp_path, worker(), worker(host="worker-2", self_test="libvips is missing"))
    report = no_bucket.doctor(INSPECTION="required")
    fault = report.of("workers", "fail")
    assert "the worker 4711 on worker-2 failed: libvips is missing" in fault["detail"]
    assert "workers" in report.passed


@pytest.mark.matrix(part="inspection")
def test_the_reason_why_the_last_worker_has_ended_is_shown_for_a_day(
    no_bucket: Environment, tmp_path: Path
) -> None:
    ended = worker(seen=timedelta(hours=23), host="worker-2", self_test="libvips is missing")
    add(tmp_path, ended, worker(seen=timedelta(hours=1)))
    fault = no_bucket.doctor(INSPECTION="required").of("workers", "fail")
    assert fault["detail"].endswith("worker-2 failed: libvips is missing")
    add(tmp_path, worker())
    assert "workers" not in no_bucket.doctor().failed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"release": "0.3.9"}, "runs release 0.3.9"),
        ({"is_isolated": False}, "have network access"),
        (
            {"content_types": "image/jpeg image/png image/webp image/gif image/avif image/heif"},
            "image/heic",
        ),
    ],
)
def test_what_a_worker_lacks_is_a_warning(
    no_bucket: Environment, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    add(tmp_path, worker(), worker(**changes))
    report = no_bucket.doctor(INSPECTION="required")
    found = report.of("workers", "warn")
    assert words in found["detail"]
    assert "the worker 4711 on worker-1" in found["detail"]
    assert "workers" not in report.failed


@pytest.mark.parametrize(
    ("minutes", "outcome", "inspection"),
    [
        (4, "ok", "required"),
        (6, "warn", "required"),
        (61, "fail", "required"),
        # Workers still finish these.
        (6, "warn", "off"),
    ],
)
def test_uploads_that_wait_long_are_a_warning_and_then_a_failure(
    no_bucket: Environment, tmp_path: Path, minutes: int, outcome: str, inspection: str
) -> None:
    add(tmp_path, *processing(timedelta(minutes=minutes)))
    found = no_bucket.doctor(INSPECTION=inspection).of("processing", outcome)
    if outcome != "ok":
        assert f"the oldest for {minutes} minutes" in found["detail"]
