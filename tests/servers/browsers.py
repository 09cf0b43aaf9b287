"""The browsers that Playwright controls, by name, and tests that run in each of them.

A test of `make test` runs in Chromium, and in `make matrix` also in Firefox. Firefox needs seven
seconds of CPU to start, so it is kept for the tests in Firefox that follow, also of another file.
Playwright and a test that uses asyncio cannot run in one thread, so it ends before any other test.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Browser

from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.firefox import firefox

FIREFOX = pytest.mark.matrix(part="firefox")
IN_EACH_BROWSER = pytest.mark.parametrize(
    "browser", ["chromium", pytest.param("firefox", marks=FIREFOX)], indirect=True
)
_firefoxes: list[Browser] = []  # one at most
_until_other_tests = contextlib.ExitStack()


@contextlib.contextmanager
def kept_firefox() -> Iterator[Browser]:
    """Yield the Firefox that already runs, or start one; close only its pages at the end."""
    if not _firefoxes:
        _firefoxes.append(_until_other_tests.enter_context(firefox()))
    (browser,) = _firefoxes
    try:
        yield browser
    finally:
        for context in browser.contexts:
            context.close()


BROWSERS: dict[str, Callable[[], AbstractContextManager[Browser]]] = {
    "chromium": chromium,
    "firefox": kept_firefox,
}


@contextlib.contextmanager
def requested_browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Run the browser that a test is parametrised with, or Chromium."""
    with installed_or_skip(), BROWSERS[getattr(request, "param", "chromium")]() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Close Firefox if the next test does not run in it."""
    try:
        return (yield)
    finally:
        if nextitem is None or FIREFOX.mark not in nextitem.iter_markers("matrix"):
            _close_firefox()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish() -> Generator[None, None, None]:
    """Close Firefox if the tests were stopped."""
    try:
        return (yield)
    finally:
        _close_firefox()


def _close_firefox() -> None:
    _firefoxes.clear()
    _until_other_tests.close()
