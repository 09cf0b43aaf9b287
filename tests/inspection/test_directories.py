"""Directories of inspections are private, and none stays behind."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from broker.inspection.directories import inspection_root, job_directory, remove_stale


def test_a_job_has_a_private_directory_that_is_removed_with_its_files(tmp_path: Path) -> None:
    with job_directory(tmp_path) as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        (directory / "out").mkdir()
        (directory / "out" / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_the_directory_is_removed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError), job_directory(tmp_path):
        raise InterruptedError
    assert list(tmp_path.iterdir()) == []


def test_directories_in_use_are_not_stale(tmp_path: Path) -> None:
    with job_directory(tmp_path) as first, job_directory(tmp_path) as second:
        assert remove_stale(tmp_path) == 0
        assert sorted(tmp_path.iterdir()) == sorted([first, second])


KILLED = """
import os, signal, sys
from pathlib import Path
from broker.inspection.directories import job_directory
with job_directory(Path(sys.argv[1])) as directory:
    (directory / "file").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_directory_of_a_killed_worker_is_removed_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    assert remove_stale(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "foreign"]


def test_the_root_is_for_this_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = inspection_root()
    assert root == inspection_root()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    root.chmod(0o755)
    with pytest.raises(PermissionError):
        inspection_root()
    root.rmdir()
    root.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        inspection_root()
    assert os.getuid() == tmp_path.stat().st_uid
