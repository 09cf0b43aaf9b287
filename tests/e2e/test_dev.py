"""`broker dev` as a user runs it: it serves a photo and leaves nothing behind."""

import base64
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from dotenv import dotenv_values

from broker.config import Settings
from broker.config.child_environment import REAPER, WORKER, child_environment
from broker.inspection.self_test import photo_with_location
from broker.local import dev
from broker.local.dev_env import OWNED, load_or_make
from broker.local.ended_children import EndedChildren
from broker.local.process import AlreadyRunning, free_ports, is_port_free
from broker.local.seaweedfs import Identity
from tests.processes import await_answer, await_true, children, command_of

BROKER = [sys.executable, "-m", "broker"]
JPEG = photo_with_location()


@pytest.fixture(autouse=True)
def inspection_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the default, as a user does."""
    monkeypatch.delenv("BROKER_INSPECTION")


@contextmanager
def broker_dev(data_dir: Path, port: int, s3_port: int) -> Iterator[Iterator[str]]:
    """Yield the lines of `broker dev`; at the end send Ctrl-C and check its exit status."""
    command = [*BROKER, "dev", "--port", str(port), "--s3-port", str(s3_port)]
    with subprocess.Popen(
        [*command, "--data-dir", str(data_dir)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield (line.strip() for line in iter(process.stdout.readline, ""))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=40) == 0


def token(data_dir: Path) -> str:
    command = [*BROKER, "token", "--data-dir", str(data_dir), "--sub", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def upload(base: str, bearer: str) -> httpx.Response:
    """Follow the steps of the README; return the answer of the public URL."""
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {bearer}"}) as client:
        ad = client.post("/api/ads/", json={"title": "A bicycle", "price": "850.00"}).json()
        ticket = client.post(
            f"/api/ads/{ad['id']}/upload_image/",
            json={
                "file_name": "main.jpg",
                "content_type": "image/jpeg",
                "size": len(JPEG),
                "checksum_sha256": base64.b64encode(hashlib.sha256(JPEG).digest()).decode(),
            },
        ).json()
        form = ticket["upload"]
        sent = httpx.post(form["url"], data=form["fields"], files={"file": ("main.jpg", JPEG)})
        assert sent.status_code == 201, sent.text
        image = await_answer(lambda: published(client.post(ticket["confirm_url"])))
        return httpx.get(image["image_url"])


def published(confirmed: httpx.Response) -> Any:
    """Return the image, or None while a worker processes it."""
    assert confirmed.status_code in (200, 202), confirmed.text
    return confirmed.json() if confirmed.status_code == 200 else None


@pytest.mark.matrix(part="walks")
def test_two_broker_dev_run_side_by_side_go_on_without_a_worker_and_leave_nothing(
    tmp_path: Path,
) -> None:
    ports = free_ports(4)
    with (
        broker_dev(tmp_path / "a", ports[0], ports[1]) as lines,
        broker_dev(tmp_path / "b", ports[2], ports[3]) as other_lines,
    ):
        first, second = next(lines), next(other_lines)
        assert first == f"ready http://127.0.0.1:{ports[0]}"
        assert second == f"ready http://127.0.0.1:{ports[2]}"
        assert (tmp_path / "a/dev.env").stat().st_mode & 0o777 == 0o600
        assert_serves_a_photo(tmp_path / "a", first)
        kill_worker(str(tmp_path / "b"))
        log = tmp_path / "b/background.log"
        assert next(other_lines) == (
            f"worker-1 ended with status -9; starting it again in 1 s; see {log}"
        )
        assert_serves_a_photo(tmp_path / "b", second)
    assert all(is_port_free(port) for port in ports)


def assert_serves_a_photo(data_dir: Path, ready: str) -> None:
    public = upload(ready.removeprefix("ready "), token(data_dir))
    assert public.status_code == 200
    assert public.content.startswith(b"\xff\xd8\xff")
    assert public.headers["content-type"] == "image/jpeg"
    assert public.headers["cache-control"] == "public, max-age=86400"


def kill_worker(data_dir: str) -> None:
    """Kill the worker of the `broker dev` that uses this directory."""
    (dev,) = [pid for pid in children(os.getpid()) if data_dir in command_of(pid).split("\0")]

    def worker() -> list[int]:
        below = [pid for one in children(dev) for pid in children(one)]
        return [pid for pid in below if "broker\0worker\0" in command_of(pid)]

    os.kill(await_true(worker)[0], signal.SIGKILL)


def test_a_second_broker_dev_in_the_same_directory_does_not_disturb_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = free_ports(2), free_ports(2)
    monkeypatch.setattr(dev, "LOCK_TIMEOUT", 0.0)

    class Written(Exception):
        """Raised at the first write, to stop the command."""

    def run(ports: list[int]) -> None:
        dev.run(tmp_path, port=ports[0], s3_port=ports[1], say=print, stopped=lambda _: True)

    def write(directory: Path, *, port: int, s3_port: int) -> dict[str, str]:
        values = load_or_make(directory, port=port, s3_port=s3_port)
        if port == first[0]:
            with pytest.raises(AlreadyRunning):
                run(second)
            assert dotenv_values(tmp_path / "dev.env") == values
        raise Written(port)

    monkeypatch.setattr(dev, "load_or_make", write)
    for ports in (first, second):  # the second `broker dev` starts after the first has ended
        with pytest.raises(Written, match=f"^{ports[0]}$"):
            run(ports)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("the API", "wsgi:app"),
        pytest.param("broker background", "background", marks=pytest.mark.matrix(part="walks")),
    ],
)
def test_if_a_server_ends_by_itself_broker_dev_reports_it_and_stops_everything(
    tmp_path: Path, name: str, part: str
) -> None:
    ports = free_ports(2)
    options = ["--port", str(ports[0]), "--s3-port", str(ports[1]), "--data-dir", str(tmp_path)]
    with subprocess.Popen(
        [*BROKER, "dev", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        try:
            # A process that is being started has no arguments yet.
            servers = await_true(
                lambda: [pid for pid in children(process.pid) if part in command_of(pid)]
            )
            os.kill(*servers, signal.SIGKILL)
            _, said = process.communicate(timeout=60)
        finally:
            process.terminate()
    assert process.returncode == 1
    assert said.startswith(f"broker: {name} ended with status -9")
    assert all(is_port_free(port) for port in ports)


def test_only_whole_lines_of_the_supervisor_are_shown_once(tmp_path: Path) -> None:
    log = tmp_path / "background.log"
    line = '{"logger":"broker.supervisor","message":"reaper ended"}\n'
    other = '{"logger":"broker.reap","message":"no broker.supervisor"}\nbroker.supervisor\n'
    log.write_text(other + line + line[:20])
    ended = EndedChildren(log)
    assert list(ended.messages()) == ["reaper ended"]
    log.write_text(other + line + line)
    assert list(ended.messages()) == ["reaper ended"]
    assert list(ended.messages()) == []


def test_report_29_broker_dev_keeps_the_settings_that_its_own_parts_do_not_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, issuer = "https://shop.example", "the issuer's \\ name"
    for name, value in {
        "BROKER_MAX_IMAGES_PER_AD": "2",
        "BROKER_CORS_ORIGINS": origin,
        "BROKER_JWT_ISSUER": issuer,
        "BROKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "BROKER_JWT_SECRET": "x" * 40,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    ports = free_ports(2)
    with broker_dev(tmp_path, *ports) as lines:
        assert next(lines) == (
            "uses BROKER_CORS_ORIGINS, BROKER_JWT_ISSUER, BROKER_MAX_IMAGES_PER_AD"
        )
        assert next(lines) == (
            "ignores BROKER_DATABASE_URL, BROKER_JWT_SECRET, because it sets its own"
        )
        base = next(lines).removeprefix("ready ")
        assert upload(base, token(tmp_path)).status_code == 200
        bearer = httpx.get(f"{base}/dev/token").json()["token"]
        headers = {"Authorization": f"Bearer {bearer}"}
        body = {"file_name": "a.jpg", "content_type": "image/jpeg", "size": 1}
        body["checksum_sha256"] = base64.b64encode(bytes(32)).decode()
        with httpx.Client(base_url=base, headers=headers) as client:
            ad = client.post("/api/ads/", json={"title": "x", "price": "1"}).json()["id"]
            path = f"/api/ads/{ad}/upload_image/"
            assert [client.post(path, json=body).status_code for _ in range(3)] == [201, 201, 409]
            cors = client.get("/api/ads/", headers={"Origin": origin})
            assert cors.headers["Access-Control-Allow-Origin"] == origin
    values = dotenv_values(tmp_path / "dev.env")
    assert values["BROKER_JWT_ISSUER"] == issuer
    assert values["BROKER_JWT_SECRET"] != "x" * 40
    assert "AWS_REGION" not in values


def test_report_29_the_documentation_lists_the_settings_that_broker_dev_ignores() -> None:
    settings = {f"BROKER_{name.upper()}" for name in Settings.model_fields}
    assert settings >= OWNED
    page = (Path(__file__).parents[2] / "docs/settings.md").read_text()
    (sentence,) = re.findall(r"It ignores those of its own[^.]*\.", page)
    assert set(re.findall(r"`(BROKER_\w+)`", sentence)) == OWNED


def test_each_process_of_broker_dev_gets_only_its_own_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: dict[str, dict[str, str]] = {}
    identities: list[Identity] = []

    class Server:
        """Records its environment instead of starting a process."""

        def __init__(self, *_: Any, name: str, env: dict[str, str], **__: Any) -> None:
            started[name] = dict(env)

        def __getattr__(self, _name: str) -> Any:
            return lambda *_, **__: None

    @contextmanager
    def s3(*_: Any, others: list[Identity]) -> Iterator[Server]:
        identities.extend(others)
        yield Server(name="S3", env={})

    monkeypatch.setattr(dev, "ChildProcess", Server)
    monkeypatch.setattr(dev, "EmbeddedS3", s3)
    monkeypatch.setattr(dev.bucket_setup, "apply", lambda _: [])
    monkeypatch.setattr(dev.os, "environ", dict(os.environ))
    monkeypatch.setenv("BROKER_CAPABILITY_SECRET", "c" * 40)
    ports = free_ports(2)
    dev.run(tmp_path, port=ports[0], s3_port=ports[1], say=print, stopped=lambda _: True)
    api, background = started["the API"], started["broker background"]
    private = ("BROKER_PRIVATE_ACCESS_KEY_ID", "BROKER_PRIVATE_SECRET_ACCESS_KEY")
    secrets = {"BROKER_JWT_SECRET", "BROKER_CAPABILITY_SECRET", *private}
    assert secrets <= api.keys()
    assert not secrets & background.keys()
    worker, reaper = (child_environment(background, one) for one in (WORKER, REAPER))
    for child in (reaper, worker):
        assert child["BROKER_DATABASE_URL"] == api["BROKER_DATABASE_URL"]
    key, reader = identities
    assert (reader.access_key, reader.secret_key) == tuple(api[name] for name in private)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert tuple(worker[name] for name in names) == (key.access_key, key.secret_key)
    assert tuple(reaper[name] for name in names) == tuple(api[name] for name in names)
    assert api["AWS_SECRET_ACCESS_KEY"] not in worker.values()


def test_broker_token_refuses_a_production_secret(tmp_path: Path) -> None:
    done = subprocess.run(
        [*BROKER, "token", "--data-dir", str(tmp_path), "--sub", "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "BROKER_JWT_SECRET": "x" * 40},
    )
    assert done.returncode != 0
    assert "--key" in done.stderr
