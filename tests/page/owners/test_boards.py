"""The page: a product's photos are a grid, an order's documents a list."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.page.owners.conftest import OpenShop
from tests.page.owners.shop import (
    ALL,
    PDF,
    add_documents,
    document,
    grant,
    open_as,
    owner,
    signed_in,
)
from tests.page.seller import choose, expect_recorded, names, photo


def test_a_products_photos_are_uploaded_reordered_described_and_deleted(
    open_shop: OpenShop, photos: list[Path]
) -> None:
    market = open_shop()
    page = market.enter()
    open_as(page, "product_image", "blue-chair")
    expect(page.locator("#limits")).to_have_text(
        "JPEG, PNG or HEIC, up to 67 MB each, 3 photos at most. You can also paste photos."
    )
    choose(page, *photos[:3])
    expect_recorded(page, 3)
    expect(page.locator("#count")).to_have_text("3 of 3")
    market.screenshot(page, "owner-photos")

    grip = photo(page, photos[2]).locator(".grip")
    expect(grip).to_have_accessible_description(re.compile("^Use the arrow keys"))
    expect(page.locator("#move-hint")).to_be_hidden()  # it is read with a grip, and only then
    grip.focus()
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.keyboard.press("Home")
    field = photo(page, photos[1]).get_by_label("Description of")
    field.fill("The legs")
    with page.expect_response(
        lambda answer: answer.request.post_data_json == {"alt_text": "The legs"}
    ):
        field.press("Tab")
    photo(page, photos[0]).get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#said")).to_have_text(f"{photos[0].name} was deleted.")
    page.reload()  # the owner is in the page's address, and its grant in the tab
    expect_recorded(page, 2)
    assert names(page) == [photos[2].name, photos[1].name]
    stored = owner(market.app, "product_image", "blue-chair").files()
    assert [(one["file_name"], one["alt_text"]) for one in stored] == [
        (photos[2].name, ""),
        (photos[1].name, "The legs"),
    ]


def test_an_orders_documents_are_uploaded_downloaded_and_deleted(
    open_shop: OpenShop, invoice: Path, photos: list[Path], tmp_path: Path
) -> None:
    market = open_shop()
    page = market.enter()
    open_as(page, "order_document", "7")
    assert page.locator("#files").get_attribute("accept") == "application/pdf,text/csv"
    prices = tmp_path / "prices.csv"
    prices.write_text("chair,12.50\n")
    choose(page, invoice, prices, photos[0])
    failure = document(page, photos[0]).locator(".failure")
    expect(failure).to_contain_text("This file type isn't supported")
    expect(failure).to_contain_text("Choose a PDF or CSV file.")
    failure.get_by_role("button", name="Remove").click()
    expect(page.locator("#count")).to_have_text("2")  # without a limit there is no "of"
    expect(document(page, prices).locator(".facts")).to_contain_text("CSV · 12 bytes · ")
    download = page.get_by_role("link", name=f"Download {invoice.name}")
    expect(download).to_be_visible()
    market.screenshot(page, "owner-documents")
    with page.expect_download() as downloaded:
        download.click()
    assert downloaded.value.suggested_filename == invoice.name
    assert Path(downloaded.value.path()).read_bytes() == PDF
    page.get_by_role("button", name=f"Delete {invoice.name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".document")).to_have_count(1)
    expect(page.get_by_role("link", name="Download prices.csv")).to_be_focused()
    (stored,) = owner(market.app, "order_document", "7").files()
    assert stored["file_name"] == "prices.csv"
    assert httpx.get(stored["url"]).text == "chair,12.50\n"


MODEL = """
[model]
prefix = "models/model_{owner}/"
content_types = ["application/pdf", "application/octet-stream"]
visibility = "private"
inspection = "off"
"""


@pytest.mark.matrix(part="walks")
def test_any_file_can_be_chosen_for_a_profile_that_accepts_any(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    market = open_shop(MODEL)
    page = market.enter()
    open_as(page, "model", "7")
    expect(page.locator("#limits")).to_have_text(re.compile("^Any file, up to "))
    assert page.locator("#files").get_attribute("accept") == ""
    chair = tmp_path / "chair.stl"
    chair.write_bytes(b"solid")
    choose(page, chair)
    expect(document(page, chair)).to_have_attribute("data-state", "recorded")
    expect(document(page, chair).locator(".kind")).to_have_text("STL")
    expect(document(page, chair).locator(".facts")).to_contain_text("STL · 5 bytes · ")


@pytest.mark.matrix(part="walks")
@pytest.mark.parametrize("actions", [ALL, ("create",)], ids=["all", "without-read"])
def test_a_new_contract_replaces_the_one_before(
    open_shop: OpenShop, invoice: Path, tmp_path: Path, actions: tuple[str, ...]
) -> None:
    market = open_shop(dev=False)
    page = signed_in(market, [grant("contract", "1", *actions)])
    page.locator("#owners button").click()
    expect(page.locator("#limits")).to_contain_text("A new document replaces the one before.")
    assert page.locator("#files").get_attribute("multiple") is None
    choose(page, invoice)
    expect(document(page, invoice)).to_have_attribute("data-state", "recorded")
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(PDF + b" signed")
    choose(page, signed)
    expect(document(page, signed)).to_have_attribute("data-state", "recorded")
    expect(page.locator(".document")).to_have_count(1)
    assert [one["file_name"] for one in owner(market.app, "contract", "1").files()] == [
        "signed.pdf"
    ]


@pytest.mark.matrix(part="walks")
def test_a_photo_too_many_says_that_there_is_no_room(
    open_shop: OpenShop, photos: list[Path]
) -> None:
    page = open_shop().enter()
    open_as(page, "product_image", "42")
    choose(page, *photos[:4])
    expect(photo(page, photos[3]).locator(".failure")).to_contain_text(
        "There is no room for more photos"
    )
    expect_recorded(page, 3)


@pytest.mark.matrix(part="walks")
def test_more_documents_than_fit_in_one_answer_are_shown_on_request(
    open_shop: OpenShop, invoice: Path
) -> None:
    market = open_shop()
    add_documents(market.app, "7", "a.pdf", "b.pdf", "c.pdf")
    page = market.visit()
    page.route(
        "**/files/?limit=100*",
        lambda route: route.continue_(url=route.request.url.replace("limit=100", "limit=2")),
    )
    open_as(page, "order_document", "7")
    expect(page.locator("#count")).to_have_text("2 shown")
    choose(page, invoice)  # it is on a later page, and stays visible
    expect(document(page, invoice)).to_have_attribute("data-state", "recorded")
    expect(page.locator("#count")).to_have_text("3 shown")
    more = page.get_by_role("button", name="Show more")
    more.click()
    expect(page.locator("#count")).to_have_text("4")
    expect(more).to_be_hidden()
    assert [one.text_content() for one in page.locator(".document .title").all()] == [
        "a.pdf",
        "b.pdf",
        "c.pdf",
        invoice.name,
    ]
