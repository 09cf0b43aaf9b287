"""Fixtures for child processes; what they do is in stub_child.py."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.inspection import sandbox
from broker.inspection.confinement import ChildLimits
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.inspection.sandbox import inspect_in_child
from tests.inspection import LIMITS, STUB


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    (tmp_path / "source").write_bytes(b"not really an image")
    (tmp_path / "out").mkdir()
    return Request(
        source=tmp_path / "source",
        directory=tmp_path / "out",
        content_type="image/jpeg",
        max_pixels=10**8,
        max_frames=300,
        variant_widths=(320, 800),
    )


@pytest.fixture
def run(request_: Request, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Inspected]]:
    """Run a behaviour of the stub as a child process, and check that no process is left."""

    def run(
        behaviour: str,
        *,
        source: str | None = None,
        keep: Callable[[], None] = lambda: None,
        **limits: Any,
    ) -> Inspected:
        if source is not None:
            request_.source.write_text(source)
        monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-I", "-B", str(STUB), behaviour])
        chosen = ChildLimits(**{**vars(LIMITS), **limits})
        return inspect_in_child(request_, limits=chosen, keep=keep)

    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield run
    for process in started:
        assert process.returncode is not None
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


@pytest.fixture
def found(run: Callable[..., Inspected]) -> Callable[..., Any]:
    """Run a behaviour that reports, and return what it found out."""

    def found(behaviour: str, **arguments: Any) -> Any:
        with pytest.raises(Rejected) as rejected:
            run(behaviour, **arguments)
        return json.loads(str(rejected.value))

    return found
