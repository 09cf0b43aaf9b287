"""What a script can read on a page, and waiting until it is so. The same in each engine."""

import time
from collections.abc import Callable
from typing import Any

from tests.engines.facade import Tab

TIMEOUT_SECONDS = 30.0  # uploads on a busy machine
PAUSE_SECONDS = 0.1  # looking costs a browser and its driver ten milliseconds of CPU


def wait_until(tab: Tab, is_so: Callable[[], object], what: object = "") -> None:
    """Keep the browser running until the condition is true."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not is_so():
        assert time.monotonic() < end, what
        tab.rest(PAUSE_SECONDS)


def count(tab: Tab, css: str) -> int:
    found: int = tab.evaluate("(css) => document.querySelectorAll(css).length", css)
    return found


def text(tab: Tab, css: str) -> str | None:
    """Return an element's text without repeated spaces; None: there is no such element."""
    function = "(css) => document.querySelector(css)?.textContent.replace(/\\s+/g, ' ').trim()"
    found: str | None = tab.evaluate(f"(css) => ({function})(css) ?? null", css)
    return found


def attributes(tab: Tab, css: str, name: str) -> list[str | None]:
    """Return an attribute of each element that the selector finds."""
    function = """(css, name) =>
        [...document.querySelectorAll(css)].map((one) => one.getAttribute(name))"""
    found: list[str | None] = tab.evaluate(function, css, name)
    return found


def is_visible(tab: Tab, css: str) -> bool:
    """Check whether the first element takes up space and is not hidden."""
    function = """(css) => {
        const one = document.querySelector(css);
        if (!one?.getClientRects().length) return false;
        return getComputedStyle(one).visibility === "visible";
    }"""
    found: bool = tab.evaluate(function, css)
    return found


def style(tab: Tab, css: str, name: str) -> str:
    function = "(css, name) => getComputedStyle(document.querySelector(css))[name]"
    found: str = tab.evaluate(function, css, name)
    return found


def value(tab: Tab, css: str) -> Any:
    """Return the value of a field or of a progress bar."""
    return tab.evaluate("(css) => document.querySelector(css).value", css)


def is_focused(tab: Tab, css: str) -> bool:
    found: bool = tab.evaluate("(css) => document.activeElement.matches(css)", css)
    return found


def expect_count(tab: Tab, css: str, number: int) -> None:
    wait_until(tab, lambda: count(tab, css) == number, f"{number} of {css}")


def expect_text(tab: Tab, css: str, wanted: str) -> None:
    """Wait until an element has a text that contains the wanted one."""
    wait_until(tab, lambda: wanted in (text(tab, css) or ""), f"{wanted!r} in {css}")


def expect_visible(tab: Tab, css: str) -> None:
    wait_until(tab, lambda: is_visible(tab, css), f"{css} is visible")


def expect_hidden(tab: Tab, css: str) -> None:
    wait_until(tab, lambda: not is_visible(tab, css), f"{css} is hidden")
