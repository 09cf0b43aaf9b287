"""A market: a marketplace with its page, and sellers in Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.page.marketplace import Marketplace, open_marketplace, real_photos
from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.fixtures import Bucket
from tests.servers.npm import installed

# With reduced motion the tests do not have to wait for animations.
DESKTOP = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with installed_or_skip(), chromium() as running:
        yield running


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Return twenty photos, smallest first."""
    with installed_or_skip():
        return real_photos()


@pytest.fixture(scope="session")
def axe() -> Path:
    with installed_or_skip():
        return installed(Path(__file__).parent / "axe") / "axe-core/axe.min.js"


@dataclass
class Market(Marketplace):
    """A marketplace with a browser, and the errors in all pages."""

    browser: Browser
    screenshots: str | None
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def visit(self, context: BrowserContext | None = None, **options: Any) -> Page:
        """Open the page as a new visitor, or in another tab of an existing one."""
        if context is None:
            context = self.browser.new_context(**{**DESKTOP, **options})
            context.set_default_timeout(20_000)
            self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._check_console)
        page.on("dialog", lambda dialog: dialog.accept())  # for example "Leave the page?"
        # With a listener, the first file dialog cannot open before a test expects it.
        page.on("filechooser", lambda _: None)
        page.goto(self.url)
        return page

    def enter(self, context: BrowserContext | None = None, **options: Any) -> Page:
        """Open the page and wait until it has signed in."""
        page = self.visit(context, **options)
        expect(page.locator("#app")).to_be_visible()
        return page

    def _check_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def screenshot(self, page: Page, name: str, **options: Any) -> None:
        """Save a screenshot if the environment variable SCREENSHOTS names a folder."""
        if self.screenshots:
            page.screenshot(path=f"{self.screenshots}/page-{name}.png", **options)


OpenMarket = Callable[..., Market]


@pytest.fixture
def open_market(
    s3_bucket: Bucket, migrated_sqlite: Path, tmp_path: Path, browser: Browser
) -> Iterator[OpenMarket]:
    """Return a function that opens a market; arguments change its settings."""
    shutil.copy(migrated_sqlite, tmp_path / "broker.db")
    with ExitStack() as stack:
        yield lambda **changes: _open(stack, s3_bucket, tmp_path, browser, changes)


def _open(
    stack: ExitStack, bucket: Bucket, directory: Path, browser: Browser, changes: dict[str, Any]
) -> Market:
    kind = partial(Market, browser=browser, screenshots=os.environ.get("SCREENSHOTS"))
    market = open_marketplace(kind, stack, bucket, directory, changes)
    stack.callback(_close, market)
    return market


def _close(market: Market) -> None:
    for context in market.contexts:
        context.close()
    assert market.faults == []
