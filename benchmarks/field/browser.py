"""Chromium on a phone: the browser runs in the phone's network namespace."""

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.field.phone import Phone
from broker.local.process import ServerNotInstalled


def chromium_program() -> str | None:
    """Return the path of Chromium. The headless shell is the same engine without windows."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@contextlib.contextmanager
def chromium(phone: Phone) -> Iterator[Browser]:
    """Run a headless browser; raise ServerNotInstalled."""
    program = chromium_program()
    if program is None:
        raise ServerNotInstalled("Chromium is missing: apt-get install chromium-headless-shell")
    with tempfile.TemporaryDirectory(prefix="broker-phone-") as directory:
        # Playwright drives the browser over two pipes, which `nsenter` hands on.
        script = Path(directory) / "chromium"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(phone.argv([program]))} "$@"\n')
        script.chmod(0o700)
        with sync_playwright() as playwright:
            # Chromium's sandbox does not support root. All pages are our own.
            browser = playwright.chromium.launch(
                executable_path=str(script), args=["--no-sandbox"], handle_sigint=False
            )
            try:
                yield browser
            finally:
                browser.close()
