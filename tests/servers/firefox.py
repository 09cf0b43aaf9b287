"""Debian's Firefox, without a window: controlled by Playwright, or to take a picture of a page.

Playwright speaks WebDriver BiDi to it, as an unmodified Firefox has nothing else. Over BiDi the
colour scheme and the reduced motion cannot be emulated, so they are preferences of the browser.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, expect, sync_playwright

from broker.local.process import ServerNotInstalled
from tests.servers.chromium import EXPECT_MILLISECONDS

TIMEOUT = 120.0  # its first start takes some seconds


@contextlib.contextmanager
def firefox() -> Iterator[Browser]:
    """Run a headless browser; raise ServerNotInstalled."""
    program()  # before Playwright starts
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = launch(playwright.firefox)
        try:
            yield browser
        finally:
            browser.close()


def launch(kind: BrowserType, *, dark: bool = False) -> Browser:
    """Start a browser whose pages are light or dark, without animations."""
    return kind.launch(
        channel="moz-firefox",
        executable_path=program(),
        timeout=TIMEOUT * 1000,
        firefox_user_prefs={
            "layout.css.prefers-color-scheme.content-override": 0 if dark else 1,
            "ui.prefersReducedMotion": 1,
        },
    )


def program() -> str:
    """Return the path of Firefox; raise ServerNotInstalled."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    if found is None:
        raise ServerNotInstalled("Firefox is missing: apt-get install firefox-esr")
    return found


def firefox_screenshot(url: str, target: Path, *, width: int, height: int) -> None:
    """Save a PNG of a page after all of its images are loaded; raise ServerNotInstalled."""
    browser = program()
    home = target.parent / "firefox"
    home.mkdir()
    subprocess.run(
        [
            *(browser, "--headless", "--no-remote", "--profile", str(home)),
            *("--screenshot", str(target), f"--window-size={width},{height}", url),
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
