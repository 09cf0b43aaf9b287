"""The README's upload prints what the README says, and leaves no files behind."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from broker.local.process import free_ports
from tests.e2e.test_dev import BROKER, broker_dev

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def test_the_upload_of_the_readme_prints_what_it_says_and_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script,) = re.findall(r"^```sh\n(API=(?:(?!^```).)*)^```$", README, re.MULTILINE | re.DOTALL)
    (printed,) = re.findall(r"^It prints:\n\n```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    checkout, temporary = tmp_path / "checkout", tmp_path / "tmp"
    checkout.mkdir()
    temporary.mkdir()
    monkeypatch.delenv("BROKER_INSPECTION")
    monkeypatch.setenv("TMPDIR", str(temporary))
    ports = free_ports(2)
    with broker_dev(tmp_path / "data", *ports) as lines:
        token = shlex.join([*BROKER, "token", "--data-dir", str(tmp_path / "data")])
        for written, here in (
            (".venv/bin/broker token", token),
            ("http://127.0.0.1:8000", next(lines).removeprefix("ready ")),
        ):
            assert written in script
            script = script.replace(written, here)
        ran = subprocess.run(
            ["bash", "-e", "-c", script], cwd=checkout, capture_output=True, text=True, check=True
        )
    assert ran.stderr == ""
    assert [line.strip() for line in ran.stdout.splitlines()] == printed.splitlines()
    assert list(checkout.iterdir()) == []
    assert [path.name for path in temporary.iterdir() if path.name.startswith("tmp.")] == []
