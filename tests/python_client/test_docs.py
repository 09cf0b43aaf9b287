"""The snippets of docs/python.md run unchanged against a live broker."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from broker.cli.upload import upload
from broker.local.dev_env import load_or_make
from tests.http.client import JPEG, SECRET
from tests.python_client.live import Live

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/python.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two photos. The user's first ad has id 1."""
    assert live.ad() == 1
    for name in ("photo1.jpg", "photo2.jpg"):
        (tmp_path / name).write_bytes(JPEG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("snippet", blocks("python"), ids=range(len(blocks("python"))))
def test_a_python_snippet_runs(
    live: Live, folder: Path, snippet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ticket = live.user.ticket(1).get_json()
    given: dict[str, Any] = {"fresh_token": lambda: live.token, "upload_id": ticket["id"]}
    assert ADDRESS in snippet
    exec(snippet.replace(ADDRESS, live.url), given)  # noqa: S102
    shown, images = capsys.readouterr().out, live.images(1)
    if "4711" in snippet:
        assert shown.startswith("not_found 404")
        assert images == []
    else:
        assert len(images) == 1 + ("photo2.jpg" in snippet)
    if "print(image.id" in snippet or "outcome.image.image_url" in snippet:
        assert all(image["image_url"] in shown for image in images)


def test_the_shell_snippets_run(live: Live, folder: Path) -> None:
    load_or_make(folder / ".broker", port=int(live.url.rpartition(":")[2]), s3_port=1)
    env = folder / ".broker/dev.env"
    env.write_text(re.sub(r"(BROKER_JWT_SECRET)=.*", rf"\1='{SECRET}'", env.read_text()))
    script = "\n".join(["set -e", *blocks("sh")]).replace(ADDRESS, live.url)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(folder),
        "TOKEN": live.token,
    }
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(live.images(1)) == 3
    assert live.user.get("/api/users/1/").get_json()["avatar_url"] in done.stdout


def test_every_option_and_exit_status_is_documented() -> None:
    for option in upload.params:
        if option.opts[0].startswith("--"):
            assert f"{option.opts[0]}" in PAGE or option.name == "token", option.opts
    for status in (0, 1, 2, 130):
        assert f"| {status} |" in PAGE
