"""`broker upload` in scripts and on a terminal."""

import json
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from broker.local.dev_env import load_or_make
from tests.http.client import JPEG, SECRET, Client, token
from tests.python_client.commands import Shell
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy

MIB = 1024 * 1024


@pytest.fixture
def shell(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["photo1.jpg", "photo2.jpg"]):
        (tmp_path / name).write_bytes(JPEG * (number + 1))
    return Shell(tmp_path, {"BROKER_TOKEN": live.token})


def test_a_script_gets_one_line_per_file_and_nothing_else(live: Live, shell: Shell) -> None:
    ad = str(live.ad())
    done = shell.run("photo1.jpg", "photo2.jpg", "--ad", ad, "--url", live.url, "--jobs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    names, urls = zip(*(line.split("\t") for line in done.stdout.splitlines()), strict=True)
    assert names == ("photo1.jpg", "photo2.jpg")
    assert urls == tuple(image["image_url"] for image in live.images(int(ad)))
    assert httpx.get(urls[1], verify=False).content == JPEG * 2
    assert shell.unfinished() == []


def test_a_terminal_shows_each_file_and_the_total(live: Live, shell: Shell) -> None:
    ad = str(live.ad())
    status, shown = shell.run_on_a_terminal(
        "photo1.jpg", "photo2.jpg", "--ad", ad, "--url", live.url
    )
    assert status == 0
    for text in ("photo1.jpg", "photo2.jpg", "2 in total", "━"):
        assert text in shown
    assert all(image["image_url"] in shown for image in live.images(int(ad)))


def test_json_output_has_one_object_per_file(live: Live, shell: Shell) -> None:
    ad = live.ad()
    options = ["--ad", str(ad), "--url", live.url, "--json", "--alt-text", "red", "--order", "4"]
    done = shell.call("photo1.jpg", "photo2.jpg", *options)
    printed = sorted(map(json.loads, done.stdout.splitlines()), key=lambda one: one["file"])
    assert [one["status"] for one in printed] == ["uploaded", "uploaded"]
    recorded = [one["image"] for one in printed]
    assert [image["order"] for image in recorded] == [4, 5]
    for image, of_ad in zip(recorded, live.images(ad), strict=True):
        assert {**image, "created_at": ""} == {**of_ad, "created_at": ""}


def test_if_some_files_fail_the_exit_status_is_1_and_the_others_are_uploaded(
    s3_bucket: Bucket, tmp_path: Path, shell: Shell
) -> None:
    with live_broker(s3_bucket, tmp_path, max_images_per_ad=1) as live:
        ad = live.ad()
        command = ["photo1.jpg", "photo2.jpg", "--ad", str(ad), "--url", live.url, "--json"]
        done = shell.call(*command, "--jobs", "1")
        printed = list(map(json.loads, done.stdout.splitlines()))
        assert done.exit_code == 1
        assert [one["status"] for one in printed] == ["uploaded", "failed"]
        assert printed[1]["error"]["code"] == "image_limit_reached"
        assert "photo2.jpg: image_limit_reached" in done.stderr
        # The second run finds the image of the first and does not send it again.
        again = list(map(json.loads, shell.call(*command).stdout.splitlines()))
        found = next(one for one in again if one["status"] == "uploaded")
        assert found["image"]["id"] == printed[0]["image"]["id"]
        assert len(live.images(ad)) == 1


def test_files_that_cannot_be_used_are_reported_before_anything_is_sent(
    live: Live, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty.jpg").touch()
    with (tmp_path / "huge.jpg").open("wb") as huge:
        huge.truncate(65 * MIB)
    ad = live.ad()
    files = ["photo1.jpg", "none.jpg", "notes.txt", "empty.jpg", "huge.jpg", "state"]
    (tmp_path / "state").mkdir()
    done = shell.call(*files, "--ad", str(ad), "--url", live.url)
    assert done.exit_code == 2
    assert done.stdout == ""
    for name, fault in zip(
        files[1:],
        [
            "no such file",
            "unsupported file extension",
            "the file is empty",
            "more than",
            "not a file",
        ],
        strict=True,
    ):
        assert any(name in line and fault in line for line in done.stderr.splitlines()), name
    assert live.images(ad) == []


def test_options_that_exclude_each_other_are_usage_errors(live: Live, shell: Shell) -> None:
    for arguments in (
        ["photo1.jpg", "--url", live.url],
        ["photo1.jpg", "--ad", "1", "--avatar", "--url", live.url],
        ["photo1.jpg", "photo2.jpg", "--avatar", "--url", live.url],
        ["photo1.jpg", "--ad", "1", "--url", "broker.example"],
        ["photo1.jpg", "--ad", "1", "--url", f"{live.url}\r"],  # from a file with Windows line ends
        ["photo1.jpg", "--ad", "1"],  # a token without an address
        [],
    ):
        done = shell.call("--token", live.token, *arguments)
        assert done.exit_code == 2, arguments


def test_without_the_python_client_it_says_what_to_install(
    live: Live, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = shell.call("photo1.jpg", "--ad", "1", "--url", live.url)
    assert done.exit_code == 1
    assert "pip install clients/python" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_refusal_by_the_broker_is_printed_on_one_line(shell: Shell, live: Live) -> None:
    done = shell.call("photo1.jpg", "--ad", "4711", "--url", live.url)
    assert done.exit_code == 1
    assert done.stderr.startswith("broker: photo1.jpg: not_found:")
    assert len(done.stderr.splitlines()) == 1


def test_an_unreachable_broker_is_reported_on_one_line(shell: Shell) -> None:
    done = shell.call("photo1.jpg", "--ad", "1", "--url", "http://127.0.0.1:1")
    assert done.exit_code == 1
    assert done.stderr.startswith("broker: http://127.0.0.1:1: ConnectError")
    assert len(done.stderr.splitlines()) == 1


def test_an_avatar_is_set_for_the_tokens_user(live: Live, shell: Shell) -> None:
    done = shell.call("photo1.jpg", "--avatar", "--url", live.url)
    assert done.exit_code == 0
    assert live.user.get("/api/users/1/").get_json()["avatar_url"] in done.stdout


def test_report_24_an_avatar_is_set_for_a_user_with_any_subject(live: Live, shell: Shell) -> None:
    """The token does not contain the user's id; the broker returns it."""
    done = shell.call("photo1.jpg", "--avatar", "--url", live.url, "--token", token("auth0|ada"))
    assert done.exit_code == 0, done.stderr
    me = Client(live.app, token("auth0|ada")).get("/api/users/me/").get_json()
    assert me["id"] >= 2**52
    assert me["avatar_url"] in done.stdout
    assert f"avatars/user_{me['id']}/" in me["avatar_url"]


def test_report_24_a_refused_token_is_reported_on_one_line(live: Live, shell: Shell) -> None:
    done = shell.call("photo1.jpg", "--avatar", "--url", live.url, "--token", "opaque")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"broker: {live.url}: token_invalid")
    assert len(done.stderr.splitlines()) == 1


def test_with_broker_dev_it_needs_neither_address_nor_token(live: Live, shell: Shell) -> None:
    port = int(live.url.rpartition(":")[2])
    load_or_make(shell.folder / ".broker", port=port, s3_port=1)
    env = shell.folder / ".broker/dev.env"
    lines = [line for line in env.read_text().splitlines() if "JWT_SECRET" not in line]
    env.write_text("\n".join([*lines, f"BROKER_JWT_SECRET={SECRET}"]))
    done = Shell(shell.folder, {}).call("photo1.jpg", "--ad", str(live.ad()))
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "ends_by",
    [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.matrix(part="kill"))],
)
def test_the_same_command_resumes_the_uploads_of_a_killed_one(
    s3_bucket: Bucket, tmp_path: Path, shell: Shell, ends_by: signal.Signals
) -> None:
    photo = tmp_path / "large.jpg"
    photo.write_bytes(b"\xff\xd8" + bytes(40 * MIB))
    running: list[subprocess.Popen[str]] = []
    arrived: list[int] = []

    def known() -> set[str]:
        entries = [json.loads(path.read_text()) for path in shell.unfinished()]
        return {entry["upload_id"] for entry in entries if entry["upload_id"]}

    def kill_at_the_second_answer() -> None:
        arrived.append(1)
        if len(arrived) == 2:
            running[0].send_signal(ends_by)
            running[0].wait()

    with (
        header_proxy(
            s3_bucket.server.endpoint_url, before_answer=kill_at_the_second_answer
        ) as network,
        live_broker(s3_bucket, tmp_path, s3_public_url=network) as live,
    ):
        ad = live.ad()
        command = ["large.jpg", "photo1.jpg", "--ad", str(ad), "--url", live.url, "--json"]
        with shell.start(*command) as process:
            running.append(process)
            _, stderr = process.communicate(timeout=60)
        assert process.returncode == (130 if ends_by == signal.SIGINT else -signal.SIGKILL)
        assert stderr == (
            "broker: interrupted; run the same command again to resume\n"
            if ends_by == signal.SIGINT
            else ""
        )
        begun = known()
        assert len(begun) == 2
        parts = len(arrived)
        done = shell.run(*command)
        printed = list(map(json.loads, done.stdout.splitlines()))
        assert done.returncode == 0, done.stderr
        assert {one["upload_id"] for one in printed} == begun
        assert len(live.images(ad)) == 2
        # In total the large file has six parts, and there is a small file. Nothing is sent twice.
        assert parts >= 2
        assert len(arrived) - parts < 7
    assert shell.unfinished() == []
