"""One view of a page with pictures, as a visitor's phone loads it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from benchmarks.field.browser import chromium
from benchmarks.field.links import Link
from benchmarks.field.phone import Phone, phone
from benchmarks.field.requests_log import Requests

# A phone of 2023. The page shows two pictures beside each other, 541 pixels wide each.
SCREEN: dict[str, Any] = {
    "viewport": {"width": 412, "height": 839},
    "device_scale_factor": 2.625,
    "is_mobile": True,
}


@dataclass(frozen=True, kw_only=True)
class PageView:
    """What a visitor waited for.

    Attributes:
        seconds: from the start of the navigation until the last picture was loaded.
        bytes_down: bytes that the phone was sent, with all headers and everything sent again.
        requests: how many requests the browser sent, with preflights.
        pictures: how many pictures of each kind of URL were loaded.
    """

    seconds: float
    bytes_down: int
    requests: int
    pictures: Counter[str]


def views(link: Link, url: str) -> Sequence[PageView]:
    """Load the page in a new browser on a new link, and load it again."""
    with phone(link) as running, chromium(running) as browser, _context(browser) as context:
        return [_view(running, context, url) for _ in range(2)]


def _context(browser: Browser) -> BrowserContext:
    return browser.new_context(**SCREEN)


def _view(running: Phone, context: BrowserContext, url: str) -> PageView:
    page = context.new_page()
    requests = Requests(context.new_cdp_session(page))
    before = running.counters()["down"]["bytes_sent"]
    page.goto(url, timeout=0)
    seen = page.evaluate("ended")
    after = running.counters()["down"]["bytes_sent"]
    page.close()
    return PageView(
        seconds=seen["seconds"],
        bytes_down=after - before,
        requests=len(requests.all()),
        pictures=Counter(kind_of(picture) for picture in seen["pictures"]),
    )


def kind_of(url: str) -> str:
    """Return the part of a picture's URL that names its variant, or `original`."""
    name = url.rpartition("/")[2]
    return name.rpartition("_")[2] if name.endswith(".webp") else "original"
