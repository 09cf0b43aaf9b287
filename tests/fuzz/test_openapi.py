"""Schemathesis runs all its checks against the served app and its OpenAPI document.

It runs with and without a token, on both databases, with a bucket on a real S3 server. All phases
run on PostgreSQL, and on SQLite those that write the bounds of each field. Without a token, most
requests are refused before their fields are read, so they need no bounds.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.domain.rejections import RejectionReason
from tests.e2e.live import served
from tests.fuzz import ARE_NEW, TIMES
from tests.http.client import JPEG, Client, declared, send, token
from tests.http.worker import Worker, rejecting, scripted

HERE = Path(__file__).parent
BUCKET_SECRET = "the-bucket-s-own-secret-0123456789abcdef"
EXAMPLES = 2
SECONDS_MAX = 400
# Scenarios use only the links in the document, no guessed links. They use only valid data, because
# a refused request cannot be continued.
SCENARIOS = 16
STATEFUL = """
[phases.stateful]
max-steps = 30
inference.algorithms = []

[phases.stateful.generation]
mode = "positive"
deterministic = true
max-examples = {scenarios}
"""
AUTH = """
[auth.openapi.bearer]
bearer = "${FUZZ_TOKEN}"

[auth.openapi.bucket]
bearer = "${FUZZ_BUCKET_SECRET}"
"""


SETTINGS = {
    "bucket_notifications_secret": BUCKET_SECRET,
    "require_checksum": False,
    "return_origins": "https://shop.example",
    "inspection": "required",
}


def something_of_each(app: Flask, directory: Path) -> dict[str, list[Any]]:
    """Create one resource of each kind as Alice; return the ids by parameter.

    Of the uploads one is confirmed, one rejected, one in processing, and the others are pending.
    """
    alice = Client(app, token(1))
    ads = [alice.ad() for _ in range(4)]
    forms = [alice.ticket(ads[0]).get_json() for _ in range(5)]
    parts = [alice.ticket(ads[1], transport="multipart").get_json() for _ in range(2)]
    for ticket in forms[:4]:
        send(ticket)
    for ticket, inspect in (
        (forms[0], scripted),
        (forms[1], rejecting(RejectionReason.CORRUPT)),
        (forms[2], None),
    ):
        assert alice.post(ticket["confirm_url"]).status_code == 202
        if inspect is not None:
            assert Worker(app, directory, inspect).next() is not None
    image = alice.post(forms[0]["confirm_url"]).get_json()
    assert alice.post("/api/users/1/upload_avatar/", declared(JPEG)).status_code == 201
    session = alice.post(f"/api/ads/{ads[2]}/uppy_session/", {}).get_json()
    return {
        "ad_id": ads,
        "profile": ["ad_image"],
        "owner": [str(ad) for ad in ads],
        "user_id": [1],
        "image_id": [image["id"]],
        "upload_id": [ticket["id"] for ticket in [*forms, *parts]],
        "capability": [session["endpoint"].rstrip("/").rpartition("/")[2]],
        "session_id": [session["id"]],
    }


IN_MATRIX = pytest.mark.matrix(part="fuzz")
# `coverage` tests every bound of every field; `stateful` follows the links of the document.
BOUNDS = "examples,coverage"
CASES = [
    pytest.param("sqlite", True, BOUNDS, marks=IN_MATRIX, id="bounds-sqlite"),
    pytest.param(
        *("postgresql", True, f"{BOUNDS},fuzzing,stateful"), marks=IN_MATRIX, id="all-postgresql"
    ),
    pytest.param("sqlite", False, "examples,fuzzing", marks=IN_MATRIX, id="not-signed-in"),
]
if not ARE_NEW:
    CASES.append(pytest.param("sqlite", True, "examples,fuzzing", id="quick-sqlite"))


@pytest.mark.parametrize(("database_url", "signed_in", "phases"), CASES, indirect=["database_url"])
def test_schemathesis_finds_no_fault(
    make_app: Callable[..., Flask],
    database_url: str,
    tmp_path: Path,
    signed_in: bool,
    phases: str,
) -> None:
    app = make_app(**SETTINGS)
    config = tmp_path / "schemathesis.toml"
    hooks = f'hooks = "{HERE / "schemathesis_hooks.py"}"\n'
    config.write_text(
        hooks
        + (HERE / "schemathesis.toml").read_text()
        + STATEFUL.format(scenarios=SCENARIOS * TIMES)
        + (AUTH if signed_in else "")
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent.parent),
        "FUZZ_TOKEN": token(1),
        "FUZZ_BUCKET_SECRET": BUCKET_SECRET,
        "FUZZ_KNOWN": json.dumps(something_of_each(app, tmp_path)),
    }
    with served(app) as port:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
                f"http://127.0.0.1:{port}/openapi.json",
                *("--max-examples", str(EXAMPLES * TIMES)),
                *("--phases", phases),
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX * TIMES,
        )
    sys.stdout.write(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-4000:]
    if "stateful" in phases:
        (found,) = re.findall(r"API Links: +(\d+) covered / \d+ selected / (\d+)", done.stdout)
        covered, links = map(int, found)
        assert links > 50
        assert 3 * covered > links
