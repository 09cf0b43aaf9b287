"""Debian's Chromium, controlled by Playwright.

The headless shell is preferred. It is the same engine without browser windows. The windows need as
much CPU as the tested pages.
"""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

from broker.local.process import ServerNotInstalled

# Expectations get as much time as other steps, because the machine may be busy.
EXPECT_MILLISECONDS = 20_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser; raise ServerNotInstalled."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        raise ServerNotInstalled("Chromium is missing: apt-get install chromium-headless-shell")
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        # CI runs as root, and Chromium's sandbox does not support root. All pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
