"""Report 21: the page asks for formats that every browser displays, and still accepts HEIC."""

import re
from pathlib import Path

import pytest

from tests.page.conftest import OpenMarket
from tests.page.seller import choose, drop, expect_recorded, noise

ROOT = Path(__file__).parents[2]
DISPLAYED = "image/jpeg,image/png,image/webp,image/gif"
PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "broker/web/index.html"]
PASTE = """name => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["pasted"], name, { type: "image/heic" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""


def test_report_21_the_page_asks_for_displayed_formats_and_accepts_heic(
    open_market: OpenMarket, tmp_path: Path
) -> None:
    market = open_market()
    page = market.enter()
    for name in ("files", "shot", "avatar-file"):
        assert page.locator(f"#{name}").get_attribute("accept") == DISPLAYED, name
    drop(page, [noise(tmp_path / "dropped.heic", 5000)])
    expect_recorded(page, 1)
    choose(page, noise(tmp_path / "chosen among all files.HEIC", 6000))
    expect_recorded(page, 2)
    page.evaluate(PASTE, "pasted.heic")
    expect_recorded(page, 3)
    assert {image["image"].rpartition(".")[2] for image in market.images()} <= {"heic", "heif"}


@pytest.mark.parametrize("profile", ["image/heic,image/jpeg,image/gif", "image/heic,image/avif"])
def test_report_21_the_asked_formats_are_those_of_the_profile(
    open_market: OpenMarket, profile: str
) -> None:
    asked = (
        open_market()
        .enter()
        .evaluate(
            """async (types) => {
            const { acceptOf } = await import("/web/files.js");
            return acceptOf({ content_types: types.split(",") });
        }""",
            profile,
        )
    )
    assert asked == {"image/heic,image/jpeg,image/gif": "image/jpeg,image/gif"}.get(
        profile, profile
    )


def test_report_21_no_recipe_asks_for_formats_that_some_browsers_do_not_display() -> None:
    found = [
        (page.name, accept)
        for page in PAGES
        for accept in re.findall(r'accept="([^"]*)"', page.read_text())
    ]
    assert len(found) >= 4
    for name, accept in found:
        assert set(accept.split(",")) <= set(DISPLAYED.split(",")), name
