"""What a seller sees on the page, in any engine."""

from pathlib import Path

from tests.engines.facade import Tab
from tests.engines.looks import attributes, expect_count, expect_hidden

RECORDED = ".photo[data-state=recorded]"


def photo(file: Path) -> str:
    """Return the selector of a photo, found by the name of its file."""
    return f'.photo:has(.grip[aria-label$=", {file.name}"])'


def names(tab: Tab) -> list[str]:
    """Return the names of the photos in the order in which they are shown."""
    return [(label or "").split(", ", 1)[1] for label in attributes(tab, ".grip", "aria-label")]


def expect_recorded(tab: Tab, number: int) -> None:
    expect_count(tab, RECORDED, number)
    expect_hidden(tab, "#meter")


def has_no_horizontal_scroll(tab: Tab) -> bool:
    fits: bool = tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    return fits
