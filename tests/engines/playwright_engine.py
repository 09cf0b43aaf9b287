"""Chromium and Firefox, both controlled by Playwright. Firefox ESR speaks WebDriver BiDi."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

from tests.engines import carried
from tests.engines.facade import Tab
from tests.servers.browsers import BROWSERS
from tests.servers.firefox import launch

TIMEOUT_MS = 20_000
# Puts a picture into the clipboard, which only a page can do.
COPY = """async () => {
    const input = document.getElementById("carried");
    const blob = new Blob([await input.files[0].arrayBuffer()], { type: "image/png" });
    input.remove();
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""


@dataclass
class PlaywrightEngine:
    """A browser of Playwright, and what its pages have reported."""

    name: str
    browser: Browser
    _faults: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def visit(self, url: str, *, dark: bool = False) -> Iterator[Tab]:
        """Open a page in a new context.

        Firefox is started again for a dark page, see `servers/firefox.py`.
        """
        with contextlib.ExitStack() as stack:
            browser = self.browser
            if dark and self.name == "firefox":
                browser = launch(browser.browser_type, dark=True)
                stack.callback(browser.close)
            context = browser.new_context(
                viewport={"width": 1280, "height": 900},
                reduced_motion="reduce",
                color_scheme="dark" if dark else "light",
            )
            stack.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            yield self._tab(context, url)

    def faults(self) -> list[str]:
        found, self._faults = self._faults, []
        return found

    def _tab(self, context: BrowserContext, url: str) -> "PlaywrightTab":
        page = context.new_page()
        page.on("pageerror", lambda error: self._faults.append(str(error)))
        page.on("console", self._record)
        page.on("dialog", lambda dialog: dialog.accept())  # for example "Leave the page?"
        page.goto(url)
        return PlaywrightTab(self.name, page, lambda: self._tab(context, url))

    def _record(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._faults.append(message.text)


@dataclass
class PlaywrightTab:
    """A page of Playwright."""

    engine: str
    page: Page
    another: Callable[[], "PlaywrightTab"]

    def evaluate(self, function: str, *arguments: Any) -> Any:
        return self.page.evaluate(f"(all) => ({function})(...all)", list(arguments))

    def click(self, css: str) -> None:
        self._first(css).click()

    def press(self, css: str, *keys: str) -> None:
        self._first(css).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, css: str, text: str) -> None:
        self._first(css).click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Tab")

    def choose(self, css: str, *files: Path) -> None:
        self._first(css).set_input_files(list(files))

    def drop(self, *files: Path) -> None:
        if self.engine == "chromium":
            self._drop_in_chromium(*files)
        else:
            carried.drop(self, *files)

    def _drop_in_chromium(self, *files: Path) -> None:
        session = self.page.context.new_cdp_session(self.page)
        names = [str(file) for file in files]
        data = {"items": [], "files": names, "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send(
                "Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 400, "data": data}
            )
        session.detach()

    def paste(self, css: str, picture: Path) -> None:
        # The clipboard of a Firefox without a window accepts no pictures.
        if self.engine != "chromium":
            return carried.paste(self, css, picture)
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        carried.carry(self, picture)
        self.evaluate(COPY)
        self._first(css).focus()
        self.page.keyboard.press("Control+v")

    def resize(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def reload(self) -> None:
        self.page.reload()

    def close(self) -> None:
        self.page.close()

    def rest(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def screenshot(self, path: Path) -> None:
        # Without `initial` Playwright hides the caret by a style, which violates the page's policy.
        self.page.screenshot(path=path, caret="initial")

    def _first(self, css: str) -> Locator:
        return self.page.locator(css).first


@contextlib.contextmanager
def playwright_engine(name: str) -> Iterator[PlaywrightEngine]:
    """Run Chromium or Firefox; raise ServerNotInstalled."""
    with BROWSERS[name]() as browser:
        yield PlaywrightEngine(name, browser)
