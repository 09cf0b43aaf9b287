"""Waiting for what the page does not show."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

LONGEST = 30.0  # seconds


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Let the browser go on until something is so."""
    end = time.monotonic() + LONGEST
    while not is_so():
        assert time.monotonic() < end
        page.wait_for_timeout(50)
