"""`broker worker` when it cannot inspect images: it says so, and takes no uploads."""

import os
import tempfile
from pathlib import Path

import pytest
from flask import Flask

from broker.inspection import sandbox
from broker.services.processing.heartbeat import recent_workers
from tests.http.commands import Commands
from tests.http.processing.arrivals import arrived, row_of


@pytest.fixture(autouse=True)
def own_directory(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the process of the tests as it is, and its temporary files apart from others."""
    monkeypatch.setattr("broker.cli.worker.protect_parent", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"upload-broker-{os.getuid()}"


def test_a_worker_that_fails_its_self_test_says_so_and_takes_no_uploads(
    app: Flask,
    database_url: str,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    upload = arrived(app)
    monkeypatch.setattr(sandbox, "COMMAND", ["false"])
    assert commands.run("worker", database_url).status == 1
    failure = "no child process runs: exit status 1"
    (line,) = [record.message for record in caplog.records if record.name == "broker.worker"]
    assert line == f"the self-test failed, so this worker takes no uploads: {failure}"
    with app.extensions["broker"].system_work() as work:
        (row,) = recent_workers(work)
    assert (row.self_test, row.is_isolated, row.content_types) == (failure, False, "")
    assert (row_of(app, upload).state, row_of(app, upload).attempts) == ("processing", 0)


def test_a_directory_that_others_may_enter_is_not_used(
    app: Flask, database_url: str, commands: Commands, own_directory: Path
) -> None:
    own_directory.mkdir(mode=0o755)
    ended = commands.run("worker", database_url)
    assert ended.status == 1
    assert "must be a directory that only this user may enter" in ended.err
    assert "Traceback" not in ended.err
