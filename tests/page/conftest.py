"""A market: a real broker with its page, a real S3 server, and sellers in Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from sqlalchemy import select

from broker.app import create_app
from broker.config import Settings
from broker.db.models import Upload
from broker.local.process import ServerNotInstalled, free_ports
from broker.storage import bucket_setup
from tests.e2e.live import served
from tests.http.client import Client, token
from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.fixtures import Bucket
from tests.servers.npm import installed

MIB = 1024**2
# Debian's packages of real photos, 0.1 to 1.8 MB each.
ALBUMS = [
    ("mate-backgrounds", "/usr/share/backgrounds/mate/nature", "*.jpg"),
    ("lomiri-wallpapers-16.04", "/usr/share/backgrounds", "*_by_*.jpg"),
]
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
        found = []
        for package, directory, names in ALBUMS:
            files = list(Path(directory).glob(names))
            if not files:
                raise ServerNotInstalled(f"photos are missing: apt-get install {package}")
            found += files
    return sorted(found, key=lambda path: path.stat().st_size)[:20]


@pytest.fixture(scope="session")
def axe() -> Path:
    with installed_or_skip():
        return installed(Path(__file__).parent / "axe") / "axe-core/axe.min.js"


@dataclass
class Market:
    """The page's address, a seller, and the errors in all pages."""

    app: Flask
    bucket: Bucket
    url: str
    alice: Client
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

    def listings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.alice.get("/api/ads/?owner=1").get_json()["results"]
        return found

    def images(self) -> list[dict[str, Any]]:
        """Return the images of the newest listing, the main image first."""
        found: list[dict[str, Any]] = self.listings()[0]["images"]
        return found

    def uploads(self) -> list[Upload]:
        with self.app.extensions["broker"].database.session() as session:
            return list(session.scalars(select(Upload).order_by(Upload.id)))

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
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings = Settings(
        **{
            **bucket.settings.model_dump(),
            "database_url": f"sqlite:///{directory / 'broker.db'}",
            "cors_origins": (url,),
            "part_size": 5 * MIB,
            "multipart_threshold": 8 * MIB,
            "dev": True,
            **changes,
        }
    )
    list(bucket_setup.apply(settings))
    app = create_app(settings)
    stack.callback(app.extensions["broker"].database.dispose)
    stack.enter_context(served(app, port))
    market = Market(app, bucket, url, Client(app, token(1)), browser, os.environ.get("SCREENSHOTS"))
    stack.callback(_close, market)
    return market


def _close(market: Market) -> None:
    for context in market.contexts:
        context.close()
    assert market.faults == []
