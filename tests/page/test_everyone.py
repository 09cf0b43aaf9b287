"""The page: phones, both colour schemes, and accessibility checked by axe-core."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.accessibility import SCHEMES, barriers
from tests.page.conftest import PHONE, OpenMarket
from tests.page.seller import choose, expect_recorded, hold_back_forms, photo

WIDTHS = {360: 740, 768: 1024, 1440: 1000}


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "widths",
    [[360], pytest.param([768, 1440], marks=pytest.mark.matrix(part="walks"))],
    ids=["phone", "wider"],
)
def test_axe_finds_no_violations_at_any_width_in_light_and_dark(
    open_market: OpenMarket, photos: list[Path], axe: Path, tmp_path: Path, widths: list[int]
) -> None:
    market = open_market()
    page = market.enter()
    notes = tmp_path / "the notes of the one who had this bicycle before.txt"
    notes.write_text("no photo")

    def check(state: str) -> None:
        for width in widths:
            page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            for scheme, rules in SCHEMES.items():
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                where = f"{width}-{scheme}-{state}"
                market.screenshot(page, where, full_page=state != "avatar")
                assert (where, barriers(page, axe, rules)) == (where, [])
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where

    check("empty")
    held = hold_back_forms(page, market.bucket.server.endpoint_url)
    choose(page, *photos[:7], notes)
    expect(page.locator(".phase").get_by_text("0 %", exact=True).first).to_be_visible()
    expect(page.locator("canvas.thumb:not([hidden])")).to_have_count(7)
    check("under-way")
    page.reload()
    expect(page.locator("#interrupted")).to_be_visible()
    check("interrupted")
    assert held
    held.release()
    choose(page, *photos[:7])
    expect_recorded(page, 7)
    expect(page.locator("canvas.thumb:not([hidden])")).to_have_count(7)
    check("recorded")
    page.get_by_role("button", name="Profile photo").click()
    page.locator("#avatar-file").set_input_files(photos[3])
    expect(page.locator("#avatar-save")).to_be_visible()
    check("avatar")
    page.get_by_role("button", name="Close").click()
    photo(page, photos[0]).get_by_role("button", name="Delete").click()
    check("sure")


def test_a_phone_user_takes_a_photo_and_moves_it_by_touch(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter(**PHONE)
    shoot = page.get_by_role("button", name="Take a photo")
    with page.expect_file_chooser() as chooser:
        shoot.tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(photos[0])
    expect_recorded(page, 1)
    choose(page, photos[1])
    expect_recorded(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    market.screenshot(page, "phone", full_page=True)

    grip = photo(page, photos[1]).locator(".grip")
    grip.scroll_into_view_if_needed()
    box, target = grip.bounding_box(), photo(page, photos[0]).bounding_box()
    assert box is not None
    assert target is not None
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *points: dict[str, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    start = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    end = {"x": target["x"] + target["width"] / 2, "y": target["y"] + 40}
    finger("touchStart", start)
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        finger("touchMove", end)
        expect(page.locator(".photo").first).to_have_class(re.compile("lifted"))
        finger("touchEnd")
    expect(photo(page, photos[1]).locator(".badge")).to_be_visible()
    assert [small["width"] >= 24 for small in targets(page)] == [True] * len(targets(page))


def targets(page: Page) -> list[dict[str, float]]:
    """Return the size of all buttons. WCAG 2.2 requires 24 by 24 pixels."""
    boxes = [button.bounding_box() for button in page.get_by_role("button").all()]
    return [{"width": min(box["width"], box["height"])} for box in boxes if box]
