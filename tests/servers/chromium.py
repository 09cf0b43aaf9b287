"""Debian's Chromium, driven through Playwright, for tests of pages.

Its headless shell where that is installed: the same engine without windows of its own, whose
toolbars are pages, too, and cost as much as those that are tested.
"""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

from broker.local.process import ServerNotInstalled

# What a page is expected to show may take as long as its other steps on a machine under load.
EXPECT_MILLISECONDS = 20_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser; raises ServerNotInstalled."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        raise ServerNotInstalled("Chromium is missing: apt-get install chromium-headless-shell")
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        # Its sandbox cannot be had by root, as which CI runs; the pages are the tests' own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
