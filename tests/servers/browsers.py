"""The browsers that Playwright controls, by name, and tests that run in each of them.

A test of `make test` runs in Chromium, and in `make matrix` also in Firefox.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser

from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.firefox import firefox

BROWSERS: dict[str, Callable[[], AbstractContextManager[Browser]]] = {
    "chromium": chromium,
    "firefox": firefox,
}
FIREFOX = pytest.mark.matrix(part="firefox")
IN_EACH_BROWSER = pytest.mark.parametrize(
    "browser", ["chromium", pytest.param("firefox", marks=FIREFOX)], indirect=True
)


@contextlib.contextmanager
def requested_browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Run the browser that a test is parametrised with, or Chromium."""
    with installed_or_skip(), BROWSERS[getattr(request, "param", "chromium")]() as running:
        yield running
