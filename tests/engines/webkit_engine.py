"""The engine of iPhones: WebKitGTK, controlled by plain WebDriver."""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.engines import carried
from tests.engines.webdriver import CommandFailed, Session, session
from tests.servers.virtual_screen import virtual_screen
from tests.servers.webkit import webkit_binaries, webkit_driver

Result = TypeVar("Result")

ACTION_SECONDS, PAUSE_SECONDS = 20.0, 0.05
# What WebDriver answers as long as an element does not exist yet or cannot be used yet.
NOT_YET = {
    "no such element",
    "stale element reference",
    "element not interactable",
    "element click intercepted",
    "javascript error",
}
# The codes of keys, by their names in KeyboardEvent.key.
KEYS = {
    "Backspace": "\ue003", "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c",
    "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Delete": "\ue017",
}  # fmt: skip
# A message of text, because a result that is undefined would be an error of WebDriver.
CALL = """
const answer = arguments[arguments.length - 1];
const call = async () => await (%s)(...JSON.parse(arguments[0]));
call().then((value) => answer(JSON.stringify({ value })),
            (error) => answer(JSON.stringify({ error: String(error) })));
"""
FOCUS = "(css) => { const one = document.querySelector(css); one.focus(); one.select?.(); }"
SIZE = "() => [innerWidth, innerHeight]"
# WebKitGTK takes a screenshot after it has painted, which does not happen on a page at rest.
KEEP_PAINTING = """(milliseconds) => {
    const dot = document.createElement("i");
    dot.style.cssText = "position: fixed; top: 0; left: 0; width: 1px; height: 1px";
    document.body.append(dot);
    const end = performance.now() + milliseconds;
    const paint = (now) => {
        dot.style.background = dot.style.background ? "" : "#00000001";
        if (now < end) requestAnimationFrame(paint);
        else dot.remove();
    };
    requestAnimationFrame(paint);
}"""


class WebKitTab:
    """A tab, which is the visible one during each action on it."""

    def __init__(self, browser: Session, handle: str) -> None:
        self._browser = browser
        self._handle = handle

    def evaluate(self, function: str, *arguments: Any) -> Any:
        found = json.loads(self._here().post("/execute/async", **_call(function, arguments)))
        if "error" in found:
            raise CommandFailed("javascript error", found["error"])
        return found.get("value")

    def click(self, css: str) -> None:
        self._when_ready(lambda: self._here().post(f"{self._browser.element(css)}/click"))

    def press(self, css: str, *keys: str) -> None:
        self._when_ready(lambda: self.evaluate(FOCUS, css))
        self._browser.press("".join(KEYS.get(key, key) for key in keys))

    def write(self, css: str, text: str) -> None:
        self.press(css, *(text or ["Delete"]), "Tab")

    def choose(self, css: str, *files: Path) -> None:
        names = "\n".join(str(file.resolve()) for file in files)
        self._when_ready(
            lambda: self._here().post(f"{self._browser.element(css)}/value", text=names)
        )

    def drop(self, *files: Path) -> None:
        carried.drop(self, *files)

    def paste(self, css: str, picture: Path) -> None:
        carried.paste(self, css, picture)

    def resize(self, width: int, height: int) -> None:
        """Resize the window, which has a toolbar as well, until the viewport has the size."""

        def fits() -> None:
            wide, high = self.evaluate(SIZE)
            if (wide, high) == (width, height):
                return
            now = self._here().get("/window/rect")
            size = {"width": now["width"] + width - wide, "height": now["height"] + height - high}
            self._browser.post("/window/rect", **size)
            raise CommandFailed("stale element reference", f"the viewport has {wide}x{high}")

        self._when_ready(fits)

    def reload(self) -> None:
        self._here().post("/refresh")

    def another(self) -> "WebKitTab":
        address = self._here().get("/url")
        tab = WebKitTab(self._browser, self._browser.post("/window/new", type="tab")["handle"])
        tab.open(address)
        return tab

    def open(self, url: str) -> None:
        self._here().post("/url", url=url)

    def close(self) -> None:
        self._here().delete("/window")

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def screenshot(self, path: Path) -> None:
        self.evaluate(KEEP_PAINTING, 2_000)
        path.write_bytes(base64.b64decode(self._here().get("/screenshot")))

    def _here(self) -> Session:
        """Choose this tab for the next command."""
        self._browser.post("/window", handle=self._handle)
        return self._browser

    def _when_ready(self, act: Callable[[], Result]) -> Result:
        """Repeat an action until the page is ready for it."""
        end = time.monotonic() + ACTION_SECONDS
        while True:
            try:
                return act()
            except CommandFailed as error:
                if error.code not in NOT_YET or time.monotonic() > end:
                    raise
                time.sleep(PAUSE_SECONDS)


class WebKit:
    """WebKitGTK on a virtual screen. Each visitor gets a browser of its own."""

    name = "webkit"

    def __init__(self, display: str) -> None:
        self._display = display

    @contextlib.contextmanager
    def visit(self, url: str, *, dark: bool = False) -> Iterator[WebKitTab]:
        """Open a page. A browser that never runs its first script is replaced once."""
        with contextlib.ExitStack() as stack:
            try:
                tab = stack.enter_context(self._browser(url, dark=dark))
            except CommandFailed as error:
                if error.code != "timeout":
                    raise
                tab = stack.enter_context(self._browser(url, dark=dark))
            yield tab

    @contextlib.contextmanager
    def _browser(self, url: str, *, dark: bool) -> Iterator[WebKitTab]:
        _, browser = webkit_binaries()
        arguments = ["--automation", *(["--dark-mode"] if dark else [])]
        options = {"webkitgtk:browserOptions": {"binary": browser, "args": arguments}}
        with webkit_driver(self._display) as driver_url, session(driver_url, options) as running:
            tab = WebKitTab(running, running.get("/window"))
            tab.open(url)
            tab.resize(1280, 900)
            yield tab

    def faults(self) -> list[str]:
        """Return nothing: WebDriver has no console, see `reports.py`."""
        return []


@contextlib.contextmanager
def webkit() -> Iterator[WebKit]:
    """Run the screen for WebKit; raise ServerNotInstalled."""
    webkit_binaries()
    with virtual_screen() as display:
        yield WebKit(display)


def _call(function: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    return {"script": CALL % function, "args": [json.dumps(arguments)]}
