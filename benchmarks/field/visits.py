"""One visit: a page in Chromium on the phone, photos chosen on it, and what was measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import CDPSession, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.field.browser import chromium
from benchmarks.field.links import Link
from benchmarks.field.phone import Phone, phone
from benchmarks.field.requests_log import Requests
from benchmarks.load.wrk import LoadFailed

LOOK_MS = 50.0


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What one visit took, in seconds since the files were chosen, and the bytes on the link.

    Attributes:
        chosen: when the files were chosen, in seconds since the epoch.
        recorded: when each photo was recorded. Peers record nothing: when they had stored it.
        ready: when the page had each published image.
        bytes_up: bytes that the phone sent, with all headers and everything sent again.
        bytes_down: bytes that it was sent.
        main_thread: seconds that the page's main thread was busy until the last photo was recorded.
        scripts: the seconds of these in scripts.
        requests: the page's requests.
    """

    chosen: float
    recorded: Sequence[float]
    ready: Sequence[float]
    bytes_up: int
    bytes_down: int
    main_thread: float
    scripts: float
    requests: Requests

    @property
    def first(self) -> float:
        """Seconds until the first photo was recorded."""
        return self.recorded[0]

    @property
    def last(self) -> float:
        """Seconds until the last photo was recorded."""
        return self.recorded[-1]


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A visit that was stopped. `last` is when: its last photo would have been recorded later."""

    last: float
    bytes_up: int


During = Callable[[Page, Phone], None]


def visit(
    link: Link,
    url: str,
    arguments: Mapping[str, object],
    photos: Sequence[Path],
    *,
    during: During | None = None,
) -> Visit:
    """Open the page, choose the photos, and wait until all have ended.

    Each visit has a new link and a new browser: no connection is open except the page's own, and
    nothing is cached except the page's scripts. `during` is called after the choice.
    """
    with phone(link) as running, chromium(running) as browser:
        page, session, requests = _open(browser.new_page(), url, arguments)
        before, busy = running.counters(), _busy(session)
        page.set_input_files("input", list(photos))
        if during is not None:
            during(page, running)
        page.evaluate("allRecorded")
        busy_after = _busy(session)
        result = page.evaluate("ended")
        after = running.counters()
    if result["failed"] or len(result["recorded"]) != len(photos):
        raise LoadFailed(f"{url}: {len(result['recorded'])} recorded, failed: {result['failed']}")
    chosen = result["chosen"] / 1000
    return Visit(
        chosen=chosen,
        recorded=[at / 1000 - chosen for at in sorted(result["recorded"])],
        ready=[at / 1000 - chosen for at in sorted(result["ready"])],
        bytes_up=after["up"]["bytes_sent"] - before["up"]["bytes_sent"],
        bytes_down=after["down"]["bytes_sent"] - before["down"]["bytes_sent"],
        main_thread=busy_after[0] - busy[0],
        scripts=busy_after[1] - busy[1],
        requests=requests,
    )


def post_form(
    link: Link,
    url: str,
    arguments: Mapping[str, object],
    photos: Sequence[Path],
    *,
    at_most: float,
) -> Visit | Unfinished:
    """Open a page with a plain form and choose the photos. Stop after `at_most` seconds."""
    with phone(link) as running, chromium(running) as browser:
        page, _session, requests = _open(browser.new_page(), url, arguments)
        before = running.counters()
        began = time.monotonic()
        try:
            with page.expect_navigation(timeout=at_most * 1000, wait_until="commit") as answered:
                page.set_input_files("input", list(photos))
        except PlaywrightTimeout:
            sent = running.counters()["up"]["bytes_sent"] - before["up"]["bytes_sent"]
            return Unfinished(last=time.monotonic() - began, bytes_up=sent)
        seconds = time.monotonic() - began
        after = running.counters()
        answer = answered.value
        if answer is None or answer.status != 201:
            raise LoadFailed(f"the form was answered by {answer and answer.status}")
    return Visit(
        chosen=0.0,
        recorded=[seconds],
        ready=[],
        bytes_up=after["up"]["bytes_sent"] - before["up"]["bytes_sent"],
        bytes_down=after["down"]["bytes_sent"] - before["down"]["bytes_sent"],
        main_thread=0.0,
        scripts=0.0,
        requests=requests,
    )


def when_sent(size: float, then: Callable[[Phone], None]) -> During:
    """Return a `during` that acts when the phone has sent so many bytes.

    It raises LoadFailed if a photo fails before.
    """

    def act(page: Page, running: Phone) -> None:
        start = running.counters()["up"]["bytes_sent"]
        while running.counters()["up"]["bytes_sent"] - start < size:
            if failed := page.evaluate("visit.failed"):
                raise LoadFailed(f"{page.url} failed before it had sent {size:.0f} bytes: {failed}")
            page.wait_for_timeout(LOOK_MS)
        then(running)

    return act


def _open(
    page: Page, url: str, arguments: Mapping[str, object]
) -> tuple[Page, CDPSession, Requests]:
    page.goto(url)
    page.evaluate("arguments => start(arguments)", arguments)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    return page, session, Requests(session)


def _busy(session: CDPSession) -> tuple[float, float]:
    """Return the seconds that the main thread has spent in tasks, and those in scripts."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    found = {each["name"]: each["value"] for each in metrics}
    return found["TaskDuration"], found["ScriptDuration"]
