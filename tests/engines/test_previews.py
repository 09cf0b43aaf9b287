"""In each engine: what is on the screen after a change, as opposed to after a reload."""

from pathlib import Path

import pyvips

from tests.engines.conftest import OpenMarket
from tests.engines.facade import Tab
from tests.engines.looks import expect_text, expect_visible, is_visible, wait_until
from tests.engines.visitor import expect_recorded, names, photo

MIDDLE = """(css) => {
    const { left, top, width, height } = document.querySelector(css).getBoundingClientRect();
    return [left + width / 4, top + height / 4, width / 2, height / 2].map(Math.round);
}"""


def is_painted(tab: Tab, css: str, screenshot: Path) -> bool:
    """Check whether the middle of an element has more than one colour."""
    tab.screenshot(screenshot)
    middle = tab.evaluate(MIDDLE, css)
    # From a buffer: pyvips would keep a file of the same name in its cache.
    shown = pyvips.Image.new_from_buffer(screenshot.read_bytes(), "")
    return bool(shown.crop(*middle).deviate() > 10)


def test_a_moved_photo_keeps_its_preview(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    tab = open_market().enter()
    files = photos[-2:]
    tab.choose("#files", *files)
    expect_recorded(tab, 2)
    tiles = [f"{photo(file)} .frame" for file in files]
    for tile in tiles:  # a preview may be ready after its upload
        wait_until(tab, lambda tile=tile: is_painted(tab, tile, tmp_path / "shown.png"))
    tab.press(f"{photo(files[1])} .grip", "ArrowLeft")
    assert names(tab) == [files[1].name, files[0].name]
    for tile in tiles:
        wait_until(tab, lambda tile=tile: is_painted(tab, tile, tmp_path / "shown.png"))


def test_on_a_phone_a_first_listing_is_listed_as_soon_as_it_is_created(
    open_market: OpenMarket,
) -> None:
    tab = open_market().enter()
    tab.resize(390, 844)
    assert not is_visible(tab, "#your-listings")
    tab.write("#title", "A lamp")
    tab.write("#price", "20")
    expect_text(tab, "#listing-state", "Saved.")
    expect_visible(tab, "#listings button")
    expect_visible(tab, "#new-listing")


def test_the_main_photo_is_the_cover_of_its_listing(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    tab = open_market().enter()
    tab.choose("#files", photos[-1])
    expect_recorded(tab, 1)
    cover = "#listings .cover"
    wait_until(tab, lambda: is_painted(tab, cover, tmp_path / "shown.png"), "the cover is painted")
