"""The packages, built twice at the same time, and a broker that was installed from its wheel."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.local.process import free_ports
from tests.artifacts.away import ROOT, Away
from tests.photos import photo
from tests.servers import installed_or_skip

UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True)
class Built:
    """The folders of two runs of `.ci/dist`, which builds the last commit."""

    first: Path
    second: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build twice at the same time, as users with other settings in other folders."""
    folders = [tmp_path_factory.mktemp("dist") / name for name in ("first", "second")]
    settings = [
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "UMASK": "077"},
        {"TZ": "America/New_York", "LC_ALL": "C.UTF-8", "UMASK": "002"},
    ]
    running = [
        subprocess.Popen(
            ["sh", "-c", 'umask "$UMASK" && exec .ci/dist "$0"', folder],
            cwd=ROOT,
            env={**os.environ, **one},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder, one in zip(folders, settings, strict=True)
    ]
    outputs = [process.communicate(timeout=560)[0] for process in running]
    for process, output in zip(running, outputs, strict=True):
        assert process.returncode == 0, output
    return Built(*folders)


def installed(folder: Path, *wheels: str) -> Path:
    """Install wheels into a new environment, with the versions of the lock; return its Python."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin/python"
    install = [UV, "pip", "install", "--quiet", "--no-config", "--python", python]
    subprocess.run([*install, "-c", ROOT / "requirements-dev.txt", *wheels], check=True)
    return python


@dataclass(frozen=True)
class Live:
    """A broker that runs from its wheel, and a seller's token for it."""

    url: str
    token: str
    away: Away
    python: Path

    def new_ad(self) -> int:
        """Create an ad of the seller, and return its id."""
        answer = self._request("POST", "/api/ads/", json={"title": "A bicycle", "price": "850.00"})
        return int(answer["id"])

    def images(self, ad: int) -> list[dict[str, Any]]:
        """Return the images of an ad."""
        found: list[dict[str, Any]] = self._request("GET", f"/api/ads/{ad}/")["images"]
        return found

    def env(self, ad: int) -> dict[str, str]:
        """Return the settings of the programs that upload a photo."""
        return {"BROKER_URL": self.url, "TOKEN": self.token, "AD": str(ad)}

    def _request(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, self.url + path, headers=headers, **options)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def live(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run `broker dev` from the wheel, with inspection, until all tests have ended."""
    away = Away(tmp_path_factory.mktemp("broker"))
    (wheel,) = built.first.glob("upload_broker-*.whl")
    (client,) = built.first.glob("upload_broker_client-*.whl")
    # `broker upload` needs the client.
    python = installed(away.folder / "venv", f"{wheel}[local,worker,upload]", str(client))
    command, data = python.with_name("broker"), away.folder / "data"
    port, s3_port = map(str, free_ports(2))
    options = ["--port", port, "--s3-port", s3_port, "--data-dir", str(data)]
    with (
        installed_or_skip(),
        subprocess.Popen(
            away.command(command, "dev", *options),
            cwd=away.folder,
            env=away.env,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
            token = away.run(command, "token", "--data-dir", data, "--sub", "1").strip()
            yield Live(f"http://127.0.0.1:{port}", token, away, python)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=40) == 0


@pytest.fixture
def away(tmp_path: Path) -> Away:
    """Return an empty folder with a photo, for programs without the checkout."""
    (tmp_path / "photo.jpg").write_bytes(photo())
    return Away(tmp_path)


def answer_of(printed: str) -> dict[str, str]:
    """Return the JSON in the last line of a program."""
    found: dict[str, str] = json.loads(printed.strip().splitlines()[-1])
    return found
