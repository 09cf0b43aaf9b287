"""A worker finds out at its start whether it can inspect images."""

import os
import sys
from pathlib import Path

import pytest

from broker.domain.media_types import EXTENSIONS
from broker.inspection import sandbox
from broker.inspection.self_test import photo_with_location, self_test
from tests.inspection import STUB
from tests.inspection.test_exiftool import exiftool


def test_a_complete_worker_passes_and_names_what_it_can_inspect(tmp_path: Path) -> None:
    result = self_test(tmp_path)
    assert result.failure is None
    assert set(result.content_types) == set(EXTENSIONS)
    assert result.is_isolated is sandbox.is_isolated()
    assert list(tmp_path.iterdir()) == []


def test_the_photo_has_a_location(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(photo_with_location())
    assert exiftool("-s3", "-GPSPosition", "-GPSLatitude", photo).strip() == "48 deg 12' 30.00\" N"


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        ("publish", "a photo kept its location"),
        ("reject", "a photo could not be inspected: ends after  [31m7 bytes"),
        ("segfault", "a photo could not be inspected: signal SIGSEGV"),
    ],
)
def test_a_worker_that_does_not_work_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, failure: str
) -> None:
    command = [sys.executable, "-I", "-B", str(STUB), behaviour]
    monkeypatch.setattr(sandbox, "COMMAND", command)
    assert self_test(tmp_path).failure == failure
    assert list(tmp_path.iterdir()) == []


def test_a_worker_without_a_library_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # -S leaves the installed packages out.
    root = os.fspath(Path(__file__).parents[2])
    script = f"""
import sys
sys.path.insert(0, {root!r})
import runpy
runpy.run_module("broker.inspection.child", run_name="__main__")
"""
    monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-I", "-B", "-S", "-c", script])
    result = self_test(tmp_path)
    assert result.failure == (
        "no child process runs: exit status 1: ModuleNotFoundError: No module named 'pyvips'"
    )
    assert result.content_types == ()
