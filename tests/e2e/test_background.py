"""`broker background` as a process: its children publish, reap, are replaced, and all end."""

import base64
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families as families

from broker.inspection.self_test import photo_with_location
from broker.local.process import free_ports
from tests.e2e.worker_process import WorkerProcess, running
from tests.events.receivers import receiver
from tests.faults.invariants import check_invariants
from tests.http.processing.arrivals import arrived, row_of
from tests.processes import await_answer, await_true, is_running
from tests.servers.fixtures import Bucket

MATRIX = pytest.mark.matrix(part="kill")
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PUBLISHED = "broker_worker_uploads_total published"
DELIVERED = "broker_event_deliveries_total delivered"
ROUNDS = "broker_reaper_runs_total ok"


def processes(parent: WorkerProcess) -> dict[str, int]:
    """Return the ids of the running children by their command."""
    found = {}
    for pid in parent.children():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "broker" in arguments:
            found[arguments[arguments.index("broker") + 1]] = pid
    return found


def scraped(url: str) -> dict[str, float]:
    """Return each sample by its name and labels; nothing before the port is open."""
    try:
        text = httpx.get(url).text
    except httpx.ConnectError:
        return {}
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families(text)
        for sample in family.samples
    }


def own_keys(bucket: Bucket, url: str) -> dict[str, str]:
    """Return an environment in which only the keys of the single processes are right."""
    keys = {"ACCESS_KEY_ID": bucket.server.access_key}
    keys["SECRET_ACCESS_KEY"] = bucket.server.secret_key
    own = {
        f"BROKER_{holder}_AWS_{name}": value
        for holder in ("WORKER", "REAPER")
        for name, value in keys.items()
    }
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    wrong = {f"AWS_{name}": "of nobody" for name in keys}
    return {**own, **wrong, "BROKER_WEBHOOK_URL": url, "BROKER_WEBHOOK_SECRET": secret}


@MATRIX
@ON_POSTGRESQL
def test_one_command_publishes_reaps_and_delivers_and_replaces_a_killed_process(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    first = arrived(app, photo_with_location())
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/metrics"
    options = ("--reap-every", "1", "--metrics-port", str(port))
    directory = tmp_path / "background"
    with (
        receiver() as backend,
        running(
            database_url,
            s3_bucket,
            directory,
            *options,
            command="background",
            more=own_keys(s3_bucket, backend.url),
        ) as parent,
    ):
        await_answer(lambda: scraped(url).keys() >= {PUBLISHED, ROUNDS, DELIVERED})
        assert row_of(app, first).state == "confirmed"
        before = processes(parent)
        assert before.keys() == {"worker", "reap", "deliver"}
        os.kill(before["worker"], signal.SIGKILL)
        ended = "broker_background_ends_total worker-1"
        await_answer(lambda: ended in scraped(url))
        # While the worker restarts, its count is still served.
        assert scraped(url)[PUBLISHED] == 1
        second = arrived(app, photo_with_location())
        await_true(lambda: row_of(app, second).state == "confirmed")
        await_answer(lambda: scraped(url)[PUBLISHED] == 2)
        after = processes(parent)
        assert {name for name in after if after[name] != before[name]} == {"worker"}
        backend.wait_for(2)
        assert parent.ask_to_end() == 0
        assert not any(map(is_running, after.values()))
    assert check_invariants(app).violations == []


@ON_SQLITE
def test_when_it_is_killed_no_process_is_left(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    make_app(inspection="required")
    directory = tmp_path / "background"
    with running(database_url, s3_bucket, directory, command="background") as parent:
        found = await_true(lambda: len(processes(parent)) == 2 and processes(parent))
        guards = parent.children()
        assert parent.ask_to_end(signal.SIGKILL) == -signal.SIGKILL
        await_true(lambda: not any(map(is_running, {*found.values(), *guards})))


@MATRIX
@ON_SQLITE
def test_a_worker_that_cannot_start_is_tried_again_while_the_reaper_works(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    make_app(inspection="required")
    directory = tmp_path / "background"
    directory.mkdir()
    # A directory that others may enter: the worker's self-test refuses it.
    (directory / f"upload-broker-{os.getuid()}").mkdir(mode=0o755)
    options = ("--reap-every", "1")
    with running(database_url, s3_bucket, directory, *options, command="background") as parent:
        await_true(lambda: parent.log.read_text().count("worker-1 ended with status 1") >= 2)
        log = parent.log.read_text()
        assert "starting it again in 1 s" in log
        assert "starting it again in 2 s" in log
        assert "reap" in processes(parent)
        assert parent.ask_to_end() == 0
