"""The programs of docs/tokens.md run unchanged, and the broker reads the grants of their tokens."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Flask

from broker.domain.grants import Action
from broker.local.process import ServerNotInstalled
from tests.http.auth.seen import ask, record_principals
from tests.http.client import SECRET
from tests.servers import installed_or_skip
from tests.servers.npm import installed

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs/tokens.md").read_text()
LANGUAGES = {"Python": "python", "Node": "js", "Go": "go"}
EACH = pytest.mark.parametrize(
    "language", ["Python", "Node", pytest.param("Go", marks=pytest.mark.matrix(part="walks"))]
)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def program(language: str) -> str:
    (found,) = re.findall(rf"^```{LANGUAGES[language]}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def with_es256(language: str) -> str:
    """Return a program with the replacements for ES256 that the page lists."""
    text = program(language)
    rows = re.findall(rf"^\| {language} \| `(.+?)` \| `(.+?)`.* \|$", PAGE, re.MULTILINE)
    for this, by in rows:
        assert text.count(this) == 1, this
        text = text.replace(this, by)
    assert "HS256" not in text
    return text


def command_of(language: str, text: str, folder: Path) -> list[str]:
    """Write a program with its packages into a folder; return the command that runs it."""
    if language == "Python":
        (folder / "mint.py").write_text(text)
        return [sys.executable, "mint.py"]
    if language == "Node":
        (folder / "mint.mjs").write_text(text)
        with installed_or_skip():
            (folder / "node_modules").symlink_to(installed(HERE / "minting/node"))
        return ["node", "mint.mjs"]
    with installed_or_skip():
        if shutil.which("go") is None:
            raise ServerNotInstalled("go is missing: https://go.dev/dl")
    (folder / "main.go").write_text(text)
    for name in ("go.mod", "go.sum"):
        shutil.copy(HERE / "minting/go" / name, folder)
    return ["go", "run", "."]


def minted(language: str, text: str, folder: Path, **environment: str) -> str:
    """Run a program; return the token that it prints."""
    done = subprocess.run(
        command_of(language, text, folder),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def assert_broker_reads_the_grant(app: Flask, bearer: str) -> None:
    seen = record_principals(app)
    assert ask(app, bearer) == 200
    (caller,) = seen
    allowed = frozenset((Action.CREATE, Action.UPDATE, Action.DELETE))
    assert caller.grants.actions == {("product_image", "42"): allowed}
    assert (caller.user_id, caller.subject, caller.is_service) == (7, "7", False)
    assert caller.expires_at is not None
    assert 500 < caller.expires_at - time.time() <= 600


@EACH
def test_the_broker_reads_the_grants_of_a_program(
    make_app: Callable[..., Flask], language: str, tmp_path: Path
) -> None:
    token = minted(language, program(language), tmp_path, BROKER_JWT_SECRET=SECRET)
    app = make_app(jwt_issuer="https://shop.example", jwt_audience="upload-broker")
    assert_broker_reads_the_grant(app, token)


@EACH
def test_a_program_signs_with_es256_after_the_replacements(
    make_app: Callable[..., Flask], language: str, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = minted(language, with_es256(language), tmp_path, TOKEN_KEY=private)
    app = make_app(
        jwt_algorithm="ES256",
        jwt_secret=None,
        jwt_public_key=public.decode(),
        jwt_issuer="https://shop.example",
        jwt_audience="upload-broker",
    )
    assert_broker_reads_the_grant(app, token)
