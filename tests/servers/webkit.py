"""Debian's WebKitGTK: its MiniBrowser, controlled by WebKitWebDriver. The engine of iPhones."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, answers
from tests.servers import START_TIMEOUT, start_on_free_port

BROWSERS = "*/webkit2gtk-*/MiniBrowser"  # in the library folder of each architecture

# WebKit takes `prefers-reduced-motion` from GTK.
SETTINGS = """[Settings]
gtk-enable-animations=0
"""
# The toolbar's own size would keep the window from being as narrow as a phone.
STYLE = """* {
    min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0;
    font-size: 1px; -gtk-icon-transform: scale(0.1);
}
"""


def webkit_binaries() -> tuple[str, str]:
    """Return the paths of the driver and of the browser; raise ServerNotInstalled."""
    driver = shutil.which("WebKitWebDriver")
    browser = max(map(str, Path("/usr/lib").glob(BROWSERS)), default=None)
    if driver is None or browser is None:
        raise ServerNotInstalled("WebKitGTK is missing: apt-get install webkit2gtk-driver")
    return driver, browser


@contextlib.contextmanager
def webkit_driver(display: str) -> Iterator[str]:
    """Run a driver on a screen; yield its URL. It starts one browser at a time, for a session.

    At the end no process of the driver or the browser is left.
    """
    driver, _ = webkit_binaries()
    with tempfile.TemporaryDirectory(prefix="webkit-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        config = directory / ".config/gtk-3.0"
        config.mkdir(parents=True)
        (config / "settings.ini").write_text(SETTINGS)
        (config / "gtk.css").write_text(STYLE)

        def start(port: int) -> tuple[ChildProcess, str]:
            url = f"http://{LOOPBACK}:{port}"
            child = ChildProcess(
                [driver, f"--port={port}"],
                log_file=directory / "driver.log",
                cwd=directory,
                env=_environment(directory, display),
            )
            child.start(lambda: answers(f"{url}/status"), START_TIMEOUT)
            return child, url

        child, url = start_on_free_port(start)
        try:
            yield url
        finally:
            child.stop()


def _environment(directory: Path, display: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "XDG_RUNTIME_DIR": str(directory),
        "DISPLAY": display,
        "LANG": "C.UTF-8",
        "NO_AT_BRIDGE": "1",  # no accessibility bus runs
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
