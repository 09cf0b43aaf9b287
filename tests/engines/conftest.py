"""The browser engines, and a marketplace with a visitor in one of them."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from tests.engines.facade import Engine, Tab
from tests.engines.looks import expect_visible
from tests.engines.playwright_engine import playwright_engine
from tests.engines.reports import Reports
from tests.engines.webkit_engine import webkit
from tests.page.marketplace import Marketplace, open_marketplace, real_photos
from tests.servers import installed_or_skip
from tests.servers.bad_network import Network
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket
from tests.servers.npm import installed

ENGINES: dict[str, Callable[[], AbstractContextManager[Engine]]] = {
    "chromium": partial(playwright_engine, "chromium"),
    "firefox": partial(playwright_engine, "firefox"),
    "webkit": webkit,
}


@pytest.fixture(
    scope="package",
    params=[pytest.param(name, marks=pytest.mark.matrix(part=name)) for name in ENGINES],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with installed_or_skip(), ENGINES[request.param]() as running:
        yield running


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Return twenty photos, smallest first."""
    with installed_or_skip():
        return real_photos()


@pytest.fixture(scope="session")
def axe() -> Path:
    with installed_or_skip():
        return installed(Path(__file__).parents[1] / "page/axe") / "axe-core/axe.min.js"


@pytest.fixture
def network(s3_bucket: Bucket) -> Iterator[Network]:
    """Yield the network between browser and bucket; a market uses it as `s3_public_url`."""
    with cutting_proxy(s3_bucket.server.endpoint_url) as running:
        yield running


@dataclass
class Market(Marketplace):
    """A marketplace with a browser, and what its pages have reported."""

    engine: Engine
    stack: ExitStack
    reports: Reports = field(default_factory=Reports)
    expected: list[str] = field(default_factory=list)

    def enter(self, *, dark: bool = False) -> Tab:
        """Open the page as a new visitor, and wait until it has signed in."""
        tab = self.stack.enter_context(self.engine.visit(self.url, dark=dark))
        expect_visible(tab, "#app")
        return tab

    def faults(self) -> list[str]:
        """Return the errors and the violations that a test does not expect."""
        found = [*self.engine.faults(), *self.reports.received]
        return [one for one in found if not any(text in one for text in self.expected)]

    def screenshot(self, tab: Tab, name: str) -> None:
        """Save a screenshot if the environment variable SCREENSHOTS names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            tab.screenshot(Path(folder) / f"{self.engine.name}-{name}.png")


OpenMarket = Callable[..., Market]


@pytest.fixture
def open_market(
    s3_bucket: Bucket, migrated_sqlite: Path, tmp_path: Path, engine: Engine
) -> Iterator[OpenMarket]:
    """Return a function that opens a market; arguments change its settings.

    After the test, no page may have reported an error or a violation of its policy.
    """
    shutil.copy(migrated_sqlite, tmp_path / "broker.db")
    opened: list[Market] = []
    with ExitStack() as servers, ExitStack() as visits:
        reports = Reports()

        def around(app: Flask) -> Reports:
            reports.app = app
            return reports

        def open_one(**changes: object) -> Market:
            kind = partial(Market, engine=engine, stack=visits, reports=reports)
            opened.append(open_marketplace(kind, servers, s3_bucket, tmp_path, changes, around))
            return opened[-1]

        yield open_one
    assert [fault for market in opened for fault in market.faults()] == []
