"""The shell recipes of docs/cookbook.md wait while the broker processes an image."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify

from tests.e2e.live import served
from tests.js_client.cookbook_page import blocks
from tests.js_client.test_cookbook_shell import API, programs

PATH = "/api/uploads/u1/confirm/"
URL = "http://media.example/main.jpg"
REJECTED = {"code": "upload_rejected", "reason": "not_an_image"}


@pytest.fixture
def broker() -> Iterator[str]:
    """Serve a broker that is processing an upload at first, and another that it rejects."""
    app, left = Flask(__name__), [2]

    @app.post(PATH)
    def confirm() -> tuple[Response, int]:
        left[0] -= 1
        if left[0] >= 0:
            return jsonify({"id": "u1", "state": "processing", "reason": None, "image": None}), 202
        return jsonify({"id": 1, "image_url": URL}), 200

    @app.post("/rejected/")
    def rejected() -> tuple[Response, int]:
        return jsonify(REJECTED), 422

    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


def run(folder: Path, broker: str, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script.replace(API, broker).replace("sleep 1", "sleep 0")],
        cwd=folder,
        env={"PATH": programs("bash", "curl", "jq", "openssl"), "TOKEN": "token"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_recipe_with_curl_waits_until_the_image_is_ready(broker: str, tmp_path: Path) -> None:
    common = blocks("sh")[0]
    done = run(tmp_path, broker, f"{common}ready {PATH}")
    assert (done.stdout, done.returncode) == (f"{URL}\n", 0), done.stderr
    refused = run(tmp_path, broker, f"{common}ready /rejected/; echo more")
    assert refused.returncode != 0
    assert "not_an_image" in refused.stderr
    assert refused.stdout == ""


def test_the_recipe_without_curl_waits_until_the_image_is_ready(
    broker: str, tmp_path: Path
) -> None:
    (script,) = blocks("bash")
    functions = script.partition("digest=")[0]
    end = script[script.index("confirm() {") :]
    ticket = f"""ticket='{{"confirm_url": "{PATH}"}}'\n"""
    done = run(tmp_path, broker, f"{functions}{ticket}{end}")
    assert (done.stdout, done.returncode) == (f"{URL}\n", 0), done.stderr
    refused = run(tmp_path, broker, f"{functions}{ticket.replace(PATH, '/rejected/')}{end}")
    assert refused.returncode != 0
    assert "not_an_image" in refused.stderr
    assert refused.stdout == ""
