"""`broker worker` as a process: it publishes, it stops, and it is replaced when it is killed."""

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from broker.db.models import Worker
from broker.inspection.self_test import photo_with_location
from tests.e2e.worker_process import arrived, await_true, row_of, running
from tests.http.client import rows
from tests.servers.fixtures import Bucket


def test_a_worker_without_a_key_for_tokens_publishes_a_photo_and_ends_at_sigterm(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    upload = arrived(app, photo_with_location())
    with running(database_url, s3_bucket, tmp_path / "worker") as worker:
        await_true(lambda: row_of(app, upload).state == "confirmed")
        assert rows(app, Worker) == 1
        assert worker.ask_to_end() == 0
    assert rows(app, Worker) == 0
    assert worker.log.read_text() == ""
