"""`broker background`: which processes it starts, what each can read, and their common metrics."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families as families

from broker.cli import background
from broker.cli.background import children
from broker.cli.environment import check_environment
from broker.cli.shared_metrics import SharedMetrics, shared_metrics
from broker.cli.supervisor import Child, supervise
from broker.config import SettingsError
from broker.config.background import BackgroundSettings
from broker.local.process import free_ports
from broker.telemetry.child_id import CHILD_ID, child_id
from tests.unit.test_supervisor import Signal

SETTINGS = {"BROKER_DATABASE_URL": "sqlite://", "BROKER_S3_BUCKET": "media-bucket"}
QUEUE = {"BROKER_BUCKET_NOTIFICATIONS_QUEUE_URL": "https://sqs.example/queue"}
WEBHOOK = {"BROKER_WEBHOOK_URL": "https://shop.example/hook"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def started(environment: Mapping[str, str], workers: int = 1) -> list[Child]:
    """Return the processes that are started with some settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in {*QUEUE, *WEBHOOK} & environment.keys():
            patch.setenv(name, environment[name])
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        settings = BackgroundSettings.load()
    return list(children(settings, environment, workers=workers, reap_every=30))


def words(environment: Mapping[str, str], workers: int = 1) -> dict[str, str]:
    """Return the arguments of each process by its name."""
    return {
        child.name: " ".join(child.command[len(background.BROKER) :])
        for child in started(environment, workers)
    }


def test_it_runs_workers_and_the_reaper_and_what_else_is_configured() -> None:
    always = {"worker-1": "worker", "worker-2": "worker", "reaper": "reap --every 30"}
    assert words({}, workers=2) == always
    assert words({}, workers=0) == {"reaper": "reap --every 30"}
    assert words({**QUEUE, **WEBHOOK}, workers=2) == {
        "consumer": "consume-bucket-notifications",
        **always,
        "deliverer": "deliver",
    }
    assert words(dict.fromkeys([*QUEUE, *WEBHOOK], "")).keys() == {"worker-1", "reaper"}


@linux
def test_each_process_gets_only_its_own_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without exec, during which the file in /proc is empty.
    script = 'echo $$ > "$1"; while :; do sleep 0.05; done'
    monkeypatch.setattr(background, "BROKER", ["/bin/sh", "-c", script, "broker"])
    monkeypatch.chdir(tmp_path)
    secrets = {
        name: f"secret of {name}"
        for name in [
            *("BROKER_JWT_SECRET", "BROKER_PRIVATE_SECRET_ACCESS_KEY", "BROKER_CAPABILITY_SECRET"),
            *("BROKER_WEBHOOK_SECRET", "AWS_SECRET_ACCESS_KEY"),
            *(f"BROKER_{one}_AWS_ACCESS_KEY_ID" for one in ("WORKER", "REAPER", "CONSUMER")),
            *(f"BROKER_{one}_AWS_SECRET_ACCESS_KEY" for one in ("WORKER", "REAPER", "CONSUMER")),
        ]
    }
    found: dict[str, str] = {}
    names = {"worker", "reap", "consume-bucket-notifications", "deliver"}

    def all_read() -> bool:
        for name in names - found.keys():
            if (file := tmp_path / name).exists() and (pid := file.read_text().strip()):
                found[name] = Path(f"/proc/{pid}/environ").read_text()
        return found.keys() == names

    environment = {**SETTINGS, **QUEUE, **WEBHOOK, **secrets, "PATH": os.defpath}
    supervise(started(environment), stop=Signal(all_read), stop_seconds=5)  # type: ignore[arg-type]
    for name, own in {
        "worker": {"BROKER_WORKER_AWS_ACCESS_KEY_ID", "BROKER_WORKER_AWS_SECRET_ACCESS_KEY"},
        "reap": {"BROKER_REAPER_AWS_ACCESS_KEY_ID", "BROKER_REAPER_AWS_SECRET_ACCESS_KEY"},
        "consume-bucket-notifications": {
            "BROKER_CONSUMER_AWS_ACCESS_KEY_ID",
            "BROKER_CONSUMER_AWS_SECRET_ACCESS_KEY",
        },
        "deliver": {"BROKER_WEBHOOK_SECRET"},
    }.items():
        assert {one for one in secrets if secrets[one] in found[name]} == own, name
        assert "BROKER_DATABASE_URL=sqlite://" in found[name]


def test_only_a_command_that_starts_the_deliverer_needs_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**SETTINGS, **WEBHOOK}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"BROKER_WEBHOOK_SECRET: set this"):
        check_environment(may_deliver=True)
    assert check_environment(may_deliver=False).webhook_url is not None
    monkeypatch.delenv("BROKER_WEBHOOK_URL")
    assert check_environment(may_deliver=True).webhook_url is None


# Imports sqlite3 before it becomes a user that may not read Python's own files.
PARENT = """
import ctypes, os, sqlite3
from broker.cli import background
if os.getuid() == 0:  # root may read everything
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # a change of the user protects, too: undo it
script = "cat /proc/$PPID/environ || echo denied; kill -TERM $PPID; exec sleep 60"
background.BROKER = ["/bin/sh", "-c", script]
background.background.main(["--workers", "0"], standalone_mode=False)
"""
CHILD = """
import ctypes, sys, types
is_dumpable = lambda: print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
sys.modules["broker.cli"] = types.SimpleNamespace(main=is_dumpable)
from broker.__main__ import main
main()
"""


@linux
@pytest.mark.parametrize(
    ("script", "more", "said"),
    [
        pytest.param(PARENT, {"BROKER_JWT_SECRET": "canary"}, "denied\n", id="parent"),
        pytest.param(CHILD, {CHILD_ID: "worker-1"}, "0\n", id="sibling"),
    ],
)
def test_its_processes_cannot_read_the_secrets_of_their_parent_and_of_each_other(
    script: str, more: dict[str, str], said: str
) -> None:
    environment = {**os.environ, **SETTINGS, **more}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(said)
    assert "canary" not in done.stdout


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SharedMetrics, str]]:
    """Yield the common metrics, and the URL at which they are served."""
    (port,) = free_ports(1)
    with shared_metrics("127.0.0.1", port) as metrics:
        for name, value in metrics.environment.items():
            monkeypatch.setenv(name, value)
        yield metrics, f"http://127.0.0.1:{port}/metrics"


def scraped(url: str) -> dict[str, float]:
    """Return each sample by its name and labels."""
    with closing(urlopen(url, timeout=5)) as answer:
        text = answer.read().decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families(text)
        for sample in family.samples
    }


def count(process: str, done: int) -> None:
    """Count in the files of a process, and set a gauge that says that it runs."""
    value = values.MultiProcessValue(lambda: child_id(process))  # type: ignore[no-untyped-call]
    value("counter", "done", "done_total", (), (), "Work").inc(done)
    value("gauge", "busy", "busy", (), (), "Running", "livesum").set(1)
    value("gauge", "last", "last", (), (), "Time", "max").set(done)


def test_one_port_serves_the_sum_of_all_processes_also_after_one_has_ended(
    served: tuple[SharedMetrics, str],
) -> None:
    metrics, url = served
    count("worker-1", 2)
    count("worker-2", 3)
    assert scraped(url) == {"done_total": 5, "busy": 2, "last": 3}
    metrics.ended("worker-2")
    ends = {"broker_background_ends_total worker-2": 1}
    assert scraped(url) == {"done_total": 5, "busy": 1, "last": 3, **ends}
    count("worker-2", 4)  # the process that replaces it
    assert scraped(url) == {"done_total": 9, "busy": 2, "last": 4, **ends}


def test_the_files_of_metrics_do_not_grow_in_number_with_restarts(
    served: tuple[SharedMetrics, str],
) -> None:
    metrics, _ = served
    (directory,) = metrics.environment.values()
    count("worker-1", 1)
    before = sorted(os.listdir(directory))
    for _ in range(3):
        metrics.ended("worker-1")
        count("worker-1", 1)
    assert sorted(os.listdir(directory)) == before


def test_two_supervisors_that_share_a_directory_use_different_files() -> None:
    assert child_id("worker-1") == f"worker-1-{os.getpid()}"
    # prometheus_client splits the names of its files at `_`.
    assert "_" not in "".join(words({**QUEUE, **WEBHOOK}, workers=2))
