"""Debian's Firefox, without a window: it takes a picture of a page."""

import os
import shutil
import subprocess
from pathlib import Path

from broker.local.process import ServerNotInstalled

TIMEOUT = 120.0  # its first start takes some seconds


def firefox_screenshot(url: str, target: Path, *, width: int, height: int) -> None:
    """Save a PNG of a page after all of its images are loaded; raise ServerNotInstalled."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise ServerNotInstalled("Firefox is missing: apt-get install firefox-esr")
    home = target.parent / "firefox"
    home.mkdir()
    subprocess.run(
        [
            *(program, "--headless", "--no-remote", "--profile", str(home)),
            *("--screenshot", str(target), f"--window-size={width},{height}", url),
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
