"""Clients generated from the live /openapi.json compile and upload a photo."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask

from tests.e2e.live import served
from tests.http.client import JPEG, token
from tests.servers import installed_or_skip
from tests.servers.npm import installed

HERE = Path(__file__).parent / "openapi"
TRANSPORTS = ["post", "put"]
# The generated types are a .ts file, so they are checked, and those of Node and the DOM are not.
COMPILE = [
    "--skipLibCheck",
    *("--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"),
    *("--target", "es2022", "--module", "nodenext", "upload.ts"),
]
# The generated client.py passes httpx's __exit__ untyped arguments.
MYPY = "[mypy]\nstrict = True\n[mypy-upload_broker_client.client]\nignore_errors = True\n"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def broker_url(app: Flask) -> Iterator[str]:
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """Install the packages of the lock file once."""
    with installed_or_skip():
        return installed(HERE)


def run(directory: Path, *command: str | Path) -> str:
    """Run a command; return its output."""
    # The Python generator calls ruff, which is installed next to this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def assert_uploads(directory: Path, broker_url: str, *program: str) -> None:
    """Run a client once per transport; check that the printed URL serves the photo."""
    (directory / "photo.jpg").write_bytes(JPEG)
    for transport in TRANSPORTS:
        image_url = run(directory, *program, broker_url, token(), "photo.jpg", transport).strip()
        public = httpx.get(image_url)
        assert (public.headers["content-type"], public.content) == ("image/jpeg", JPEG), transport


@pytest.mark.matrix(part="walks")
def test_a_typescript_client_of_openapi_typescript_compiles_and_uploads(
    broker_url: str, node_modules: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules)
    for name in ("package.json", "upload.ts"):
        shutil.copy(HERE / name, tmp_path)
    programs = node_modules / ".bin"
    document = f"{broker_url}/openapi.json"
    said = run(tmp_path, programs / "openapi-typescript", document, "-o", "schema.ts")
    assert "warn" not in said.lower()
    run(tmp_path, programs / "tsc", *COMPILE)
    assert_uploads(tmp_path, broker_url, "node", "upload.js")


@pytest.mark.matrix(part="walks")
def test_a_python_client_of_openapi_python_client_type_checks_and_uploads(
    broker_url: str, tmp_path: Path
) -> None:
    shutil.copy(HERE / "upload.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    said = run(
        tmp_path,
        *("openapi-python-client", "generate", "--url", f"{broker_url}/openapi.json"),
        *("--meta", "none", "--output-path", tmp_path / "upload_broker_client"),
        "--fail-on-warning",
    )
    assert "warning" not in said.lower()
    run(tmp_path, "mypy", "--config-file", "mypy.ini", "upload.py")
    assert_uploads(tmp_path, broker_url, sys.executable, "upload.py")
