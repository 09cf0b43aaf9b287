"""The page: photos are added, reordered, described and deleted."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.http.first import FIRST_BUCKET
from tests.page.conftest import OpenMarket
from tests.page.seller import choose, drop, expect_recorded, names, photo
from tests.page.waiting import wait_until

PASTE = """async (selector) => {
    const canvas = new OffscreenCanvas(320, 240)
    canvas.getContext("2d").fillRect(0, 0, 320, 240)
    const blob = await canvas.convertToBlob({ type: "image/png" })
    const clipboardData = new DataTransfer()
    clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }))
    clipboardData.setData("text/plain", "A table")
    const pasted = new ClipboardEvent("paste", { clipboardData, bubbles: true })
    document.querySelector(selector).dispatchEvent(pasted)
}"""


@FIRST_BUCKET
def test_twenty_real_photos_are_dropped_and_uploaded(
    open_market: OpenMarket, photos: list[Path], request: Any
) -> None:
    market = open_market()
    page = market.enter()
    page.get_by_label("Title").fill("Gravel bicycle, 54 cm")
    page.get_by_label("Price").fill("850.00")
    drop(page, photos)
    expect(page.locator("#meter-count")).to_contain_text("of 20 photos")
    market.screenshot(page, f"twenty-{request.node.callspec.id}-on-the-way")
    expect_recorded(page, 20)
    expect(page.locator("#count")).to_have_text("20 of 20")
    expect(page.locator("#said")).to_have_text("20 photos uploaded.")
    market.screenshot(page, f"twenty-{request.node.callspec.id}", full_page=True)

    (listing,) = market.listings()
    assert (listing["title"], listing["price"]) == ("Gravel bicycle, 54 cm", "850.00")
    for file, image in zip(photos, listing["images"], strict=True):
        sent, public = file.read_bytes(), httpx.get(image["image_url"])
        assert public.content == sent
        assert public.headers["content-type"] == "image/jpeg"
    assert listing["main_image_url"] == listing["images"][0]["image_url"]
    digests = [base64.b64encode(hashlib.sha256(file.read_bytes()).digest()) for file in photos]
    assert [row.checksum_sha256.encode() for row in market.uploads()] == digests


def test_a_photo_is_pasted(open_market: OpenMarket) -> None:
    market = open_market()
    page = market.enter()
    page.evaluate(PASTE, "#title")  # the field accepts the text, not the picture of the text
    page.get_by_role("button", name="Profile photo").click()
    page.evaluate(PASTE, "#avatar")
    page.get_by_role("button", name="Close").click()
    page.evaluate(PASTE, "body")
    expect_recorded(page, 1)
    assert market.images()[0]["image"].endswith(".png")


def test_a_preview_is_drawn_after_another_one_failed_for_lack_of_canvas_memory(
    open_market: OpenMarket,
) -> None:
    page = open_market().enter()
    drawn = page.evaluate(
        """async () => {
            const { drawThumbnail } = await import("/web/thumbnails.js");
            const canvas = document.createElement("canvas");
            const file = await new Promise((resolve) => canvas.toBlob(resolve));
            const canvases = [{ getContext: () => null }, canvas];
            return Promise.all(canvases.map((to) => drawThumbnail(file, to)));
        }"""
    )
    assert drawn == [False, True]


def test_the_file_dialog_opens_by_keyboard(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = market.enter()
    page.get_by_role("button", name="Choose photos").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photos[:2])
    expect_recorded(page, 2)


def three(market: Any, photos: list[Path]) -> Page:
    page: Page = market.enter()
    choose(page, *photos[:3])
    expect_recorded(page, 3)
    return page


def keys_in_order(market: Any) -> list[str]:
    return [image["image"] for image in market.images()]


def test_photos_are_reordered_by_dragging(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = three(market, photos)
    before = keys_in_order(market)
    grip = photo(page, photos[2]).locator(".grip")
    box, target = grip.bounding_box(), photo(page, photos[0]).bounding_box()
    assert box is not None
    assert target is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 60, steps=8)
    expect(page.locator(".photo").first).to_have_class(re.compile("lifted"))
    page.mouse.up()
    expect(photo(page, photos[2]).locator(".badge")).to_be_visible()
    assert names(page) == [photos[2].name, photos[0].name, photos[1].name]
    wait_until(page, lambda: keys_in_order(market) == [before[2], before[0], before[1]])
    page.reload()
    expect_recorded(page, 3)
    assert names(page) == [key.split("/")[-1] for key in keys_in_order(market)]
    assert market.listings()[0]["main_image_url"].endswith(before[2])


def test_escape_puts_a_dragged_photo_back(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = three(market, photos)
    box = photo(page, photos[0]).locator(".grip").bounding_box()
    target = photo(page, photos[2]).bounding_box()
    assert box is not None
    assert target is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 60, steps=8)
    expect(page.locator(".photo").last).to_have_class(re.compile("lifted"))
    page.keyboard.press("Escape")
    page.mouse.up()
    assert names(page) == [file.name for file in photos[:3]]


def test_photos_are_reordered_by_keyboard(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = three(market, photos)
    before = keys_in_order(market)
    photo(page, photos[2]).locator(".grip").focus()
    page.keyboard.press("ArrowDown")  # the grid has no row below this one
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#said")).to_have_text(f"{photos[2].name} is now photo 2 of 3.")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.keyboard.press("Home")
    expect(photo(page, photos[2]).locator(".grip")).to_be_focused()
    photo(page, photos[0]).get_by_role("button", name="earlier").click()
    assert names(page) == [photos[0].name, photos[2].name, photos[1].name]
    star = photo(page, photos[1]).get_by_role("button", name="main photo")
    star.click()
    expect(star).to_be_focused()
    assert names(page) == [photos[1].name, photos[0].name, photos[2].name]
    expect(page.locator(f'.shelf img[src$="{before[1]}"]')).to_be_visible()
    # The page saves one photo after the other.
    wait_until(page, lambda: keys_in_order(market) == [before[1], before[0], before[2]])


def test_a_photo_is_described(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = three(market, photos)
    field = photo(page, photos[1]).get_by_label("Description of")
    field.fill("The saddle")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        field.press("Tab")
    page.reload()
    expect(page.locator(".photo").nth(1).get_by_label("Description of")).to_have_value("The saddle")
    assert [image["alt_text"] for image in market.images()] == ["", "The saddle", ""]


def test_a_photo_is_deleted_after_confirmation(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = three(market, photos)
    delete = photo(page, photos[1]).get_by_role("button", name="Delete")
    delete.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(delete).to_be_focused()
    delete.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".photo")).to_have_count(2)
    expect(photo(page, photos[2]).locator(".grip")).to_be_focused()
    expect(page.locator("#count")).to_have_text("2 of 20")
    assert len(market.images()) == 2


def test_title_and_price_are_saved(open_market: OpenMarket) -> None:
    market = open_market()
    page = market.enter()
    page.get_by_label("Title").fill("A lamp")
    page.get_by_label("Price").fill("12,50")
    page.get_by_label("Price").press("Tab")
    expect(page.locator("#listing-state")).to_have_text("Enter the price as 12 or 12.50.")
    page.get_by_label("Price").fill("12.50")
    page.get_by_label("Price").press("Tab")
    expect(page.locator("#listing-state")).to_have_text("Saved.")
    page.get_by_label("Title").fill("A green lamp")
    page.get_by_label("Title").press("Tab")
    expect(page.get_by_role("button", name="A green lamp")).to_be_visible()
    page.get_by_role("button", name="New listing").click()
    page.get_by_label("Title").fill("A chair")
    page.get_by_label("Price").fill("7")
    page.get_by_label("Price").press("Tab")
    expect(page.get_by_role("button", name="A chair")).to_be_visible()
    page.get_by_role("button", name="A green lamp").click()
    expect(page.get_by_label("Title")).to_have_value("A green lamp")
    listings = [(one["title"], one["price"]) for one in market.listings()]
    assert listings == [("A chair", "7.00"), ("A green lamp", "12.50")]
