"""`broker upload` while the broker processes a file, and after it has rejected one."""

import io
import json
from pathlib import Path

import pytest
from broker_client import Image, Outcome, Progress, UploadRejected
from broker_client.processing import rejected
from rich.console import Console

from broker.cli.upload.display import Bars
from broker.cli.upload.outcome_printer import OutcomePrinter
from tests.python_client.scripted import IMAGE

SIZE = 5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "front.jpg"
    path.write_bytes(b"photo")
    return path


def test_the_bar_of_a_file_says_that_it_is_processed(file: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    sent = Progress(index=0, sent=SIZE, total=SIZE)
    with Bars([file], console) as bars:
        bars.progress(sent)
        bars.progress(Progress(index=0, sent=SIZE, total=SIZE, phase="processing"))
    assert "front.jpg processing" in screen.getvalue()
    with Bars([file], console) as bars:
        bars.progress(Progress(index=0, sent=SIZE, total=SIZE, phase="processing"))
        screen.truncate(0)
        bars.done(Outcome(index=0, image=Image.read(IMAGE)))
    assert "front.jpg processing" not in screen.getvalue().splitlines()[-2]


def test_json_has_the_reason_of_a_rejection(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = rejected("not_an_image")
    assert isinstance(error, UploadRejected)
    with OutcomePrinter([file], as_json=True) as printer:
        printer.done(Outcome(index=0, upload_id="u1", error=error))
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert printed["status"] == "failed"
    assert printed["error"] == {
        "code": "upload_rejected",
        "detail": error.detail,
        "reason": "not_an_image",
    }
    assert "upload_rejected: the file was rejected: not_an_image" in err


def test_json_has_the_variants_of_an_image(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with OutcomePrinter([file], as_json=True) as printer:
        printer.done(Outcome(index=0, upload_id="u1", image=Image.read(IMAGE)))
    printed = json.loads(capsys.readouterr().out)["image"]
    assert {**printed, "created_at": ""} == {**IMAGE, "created_at": ""}
