"""In each engine: the pictures that the page draws by itself, as they are on the screen."""

from pathlib import Path

import pyvips

from tests.engines.conftest import OpenMarket
from tests.engines.facade import Tab
from tests.engines.visitor import expect_recorded, names, photo

MIDDLE = """(css) => {
    const { left, top, width, height } = document.querySelector(css).getBoundingClientRect();
    return [left + width / 4, top + height / 4, width / 2, height / 2].map(Math.round);
}"""


def contrast(tab: Tab, css: str, picture: Path) -> float:
    """Return how much the middle of an element varies on a screenshot; 0: it has one colour."""
    tab.screenshot(picture)
    middle = tab.evaluate(MIDDLE, css)
    shown: float = pyvips.Image.new_from_file(str(picture)).crop(*middle).deviate()
    return shown


def test_a_moved_photo_keeps_its_preview(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    tab = open_market().enter()
    tab.choose("#files", *photos[-2:])
    expect_recorded(tab, 2)
    for file in photos[-2:]:
        assert contrast(tab, f"{photo(file)} .frame", tmp_path / "before.png") > 10
    tab.press(f"{photo(photos[-1])} .grip", "ArrowLeft")
    assert names(tab) == [photos[-1].name, photos[-2].name]
    for file in photos[-2:]:
        assert contrast(tab, f"{photo(file)} .frame", tmp_path / "moved.png") > 10
