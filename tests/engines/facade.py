"""The few actions that the behaviours need in a browser. Each engine implements them.

`looks.py` has what can be read by a script, so it is the same in each engine.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class Tab(Protocol):
    """A tab of one visitor. Each action uses the first element that a CSS selector finds.

    An action waits until its element exists and can be used, and raises an error after 20 seconds.
    """

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function, which may be async, with JSON; return its JSON result.

        The Content-Security-Policy of the page does not apply to the function.
        """

    def click(self, css: str) -> None:
        """Click on a visible element, in the same way as a mouse."""

    def press(self, css: str, *keys: str) -> None:
        """Focus an element, then press keys: names of KeyboardEvent.key, such as ArrowLeft."""

    def write(self, css: str, text: str) -> None:
        """Replace the text of a field by typing, then leave the field with Tab."""

    def choose(self, css: str, *files: Path) -> None:
        """Choose files in a file input, which may be hidden."""

    def drop(self, *files: Path) -> None:
        """Drop files on the page, as from a file manager."""

    def paste(self, css: str, picture: Path) -> None:
        """Paste a PNG that was copied as a picture, with the focus in an element."""

    def resize(self, width: int, height: int) -> None:
        """Set the size of the viewport, in CSS pixels."""

    def reload(self) -> None:
        """Load the page again, also if the page asks whether to leave it."""

    def another(self) -> "Tab":
        """Open the same address in another tab of the same visitor."""

    def close(self) -> None:
        """Close the tab, also if the page asks whether to leave it."""

    def rest(self, seconds: float) -> None:
        """Let the browser run, and handle its events."""

    def screenshot(self, path: Path) -> None:
        """Save a PNG of the viewport."""


class Engine(Protocol):
    """A running browser."""

    name: str

    def visit(self, url: str, *, dark: bool = False) -> AbstractContextManager[Tab]:
        """Open a page as a new visitor with empty storage, and close all of its tabs at the end.

        The viewport has 1280 by 900 pixels. The visitor prefers reduced motion, and a dark page if
        asked.
        """

    def faults(self) -> list[str]:
        """Return what the browser itself reported since the last call, in all tabs.

        These are errors on the console, uncaught errors, and violations of the page's policy.
        `reports.py` collects them from inside the page, for engines that report nothing.
        """
