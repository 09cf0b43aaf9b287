"""The progress of `broker reprocess`: a bar on a terminal, and lines without one."""

import io
import re

import pytest

from broker.cli.image_progress import EVERY, ImageProgress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_the_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with ImageProgress(3) as progress:
        for _ in range(3):
            progress.advance()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(r"images .*━.* 3/3 ", shown)


def test_without_a_terminal_every_hundredth_image_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ImageProgress(2 * EVERY + 1) as progress:
        for _ in range(2 * EVERY + 1):
            progress.advance()
        progress.line("image 7 ads/ad_1/a.jpg: corrupt")
    printed = capsys.readouterr()
    assert printed.err.splitlines() == ["100 of 201 images", "200 of 201 images"]
    assert printed.out == "image 7 ads/ad_1/a.jpg: corrupt\n"
