"""WebKit: it starts, and leaves no process behind."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.local.process import ServerNotInstalled
from tests.engines.webkit_engine import webkit
from tests.processes import await_true, is_running
from tests.servers import installed_or_skip
from tests.servers.test_servers import descendants
from tests.servers.virtual_screen import xvfb_binary
from tests.servers.webkit import webkit_binaries


@pytest.mark.matrix(part="webkit")
def test_webkit_shows_a_page_and_leaves_no_process(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>Lamps</title>")
    before = descendants()
    with installed_or_skip(), webkit() as engine:
        with engine.visit(page.as_uri()) as tab:
            assert tab.evaluate("() => [document.title, innerWidth]") == ["Lamps", 1280]
            visiting = descendants() - before
        screen = descendants() - before
    assert len(visiting) > len(screen) > 0
    await_true(lambda: not any(map(is_running, visiting | screen)))


@pytest.mark.parametrize(
    ("find", "package"), [(webkit_binaries, "webkit2gtk-driver"), (xvfb_binary, "xvfb")]
)
def test_what_webkit_needs_is_reported_in_one_line(
    find: Callable[[], object], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ServerNotInstalled) as caught:
        find()
    assert str(caught.value).endswith(f"apt-get install {package}")
    assert os.linesep not in str(caught.value)
