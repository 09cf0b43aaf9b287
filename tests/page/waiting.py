"""Wait for a condition that the page does not show."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

TIMEOUT_SECONDS = 30.0


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Keep the browser running until the condition is true."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not is_so():
        assert time.monotonic() < end
        page.wait_for_timeout(50)
