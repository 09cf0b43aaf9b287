"""The wheel contains all files that the image and an operator's machine need."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SERVED = [path for folder in ("broker", "schemas") for path in (ROOT / folder).rglob("*")]
CLIENT = [ROOT / "broker/web/client" / path.name for path in (ROOT / "clients/js").glob("*.js")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build the wheel from the files that the image gets; return its text files by name."""
    folder = tmp_path_factory.mktemp("wheel")
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, copy = ROOT / line[1:], folder / "source" / line[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, copy, symlinks=True, ignore=ignored)
            else:
                shutil.copy(source, copy)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", str(folder)]
    command = [sys.executable, "-m", "pip", "wheel", *options, str(folder / "source")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("upload_broker-*.whl")
    with zipfile.ZipFile(built) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_has_every_file_that_is_served_or_run(wheel: dict[str, str]) -> None:
    files = [path for path in SERVED if path.is_file() and "__pycache__" not in path.parts]
    wanted = {str(path.relative_to(ROOT)) for path in [*files, *CLIENT]}
    assert len(wanted) > 150
    assert wanted <= set(wheel), wanted - set(wheel)


def test_what_a_server_is_told_to_serve_is_in_it(wheel: dict[str, str]) -> None:
    # `broker serve -- granian … wsgi:app` must work in any directory; the image uses /app.
    assert "wsgi:app" in (ROOT / "Dockerfile").read_text()
    assert "app = create_app()" in wheel["wsgi.py"]


def test_it_has_the_command_and_the_licence(wheel: dict[str, str]) -> None:
    told = {name.partition(".dist-info/")[2]: text for name, text in wheel.items()}
    points = configparser.ConfigParser()
    points.read_string(told["entry_points.txt"])
    assert points["console_scripts"]["broker"] == "broker.__main__:main"
    assert told["licenses/LICENSE"] == (ROOT / "LICENSE").read_text()
