"""The page with owners: two tabs, interrupted and processed uploads, phones, and axe-core."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from broker.inspection.inspect import inspect
from tests.http.worker import Worker
from tests.page.accessibility import SCHEMES, barriers
from tests.page.owners.conftest import OpenShop
from tests.page.owners.shop import add_documents, document, grant, open_as, signed_in
from tests.page.seller import choose, expect_recorded, hold_back_forms, photo

pytestmark = pytest.mark.matrix(part="walks")
DAMAGE = """
[damage_photo]
prefix = "claims/claim_{owner}/"
content_types = ["image/jpeg"]
variants = [320, 800]
"""


def test_two_tabs_show_the_same_documents(
    open_shop: OpenShop, invoice: Path, tmp_path: Path
) -> None:
    market = open_shop(dev=False)
    one = signed_in(market, [grant("order_document", "7")])
    one.locator("#owners button").click()
    other = market.enter(one.context)
    other.locator("#owners button").click()
    choose(one, invoice)
    expect(other.get_by_role("link", name=f"Download {invoice.name}")).to_be_visible()
    one.get_by_role("button", name=f"Delete {invoice.name}").click()
    one.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(other.locator(".document")).to_have_count(0)


def test_an_interrupted_document_is_offered_again_on_its_board_only(
    open_shop: OpenShop, invoice: Path
) -> None:
    market = open_shop()
    page = market.enter()
    open_as(page, "order_document", "7")
    held = hold_back_forms(page, market.bucket.server.endpoint_url)
    choose(page, invoice)
    expect(page.locator(".phase")).to_have_text("0 %")
    page.reload()
    expect(page.locator("#interrupted")).to_contain_text(invoice.name)
    expect(page.locator("#interrupted")).to_contain_text("Choose the same documents again")
    open_as(page, "order_document", "8")
    expect(page.locator("#interrupted")).to_be_hidden()
    page.get_by_role("button", name="7 Order document").click()
    assert held
    held.release()
    choose(page, invoice)
    expect(document(page, invoice)).to_have_attribute("data-state", "recorded")
    expect(page.locator("#interrupted")).to_be_hidden()


def test_photos_of_a_product_are_processed_and_shown_in_the_size_that_fits(
    open_shop: OpenShop, photos: list[Path], tmp_path: Path
) -> None:
    market = open_shop(DAMAGE, inspection="required")
    (tmp_path / "worker").mkdir()
    worker = Worker(market.app, tmp_path / "worker", inspect=lambda request, **_: inspect(request))
    page = market.enter()
    open_as(page, "damage_photo", "5")
    choose(page, photos[0])
    processing = page.locator(".photo[data-state=under-way] .phase", has_text="Processing")
    expect(processing).to_be_visible()
    page.reload()
    expect(processing).to_be_visible()
    assert worker.run() == ["published"]
    expect_recorded(page, 1)
    page.reload()
    image = photo(page, photos[0]).locator("img.thumb")
    page.wait_for_function(
        "(one) => one.currentSrc.endsWith('_w320.webp')", arg=image.element_handle()
    )


def test_axe_finds_no_violations_on_the_boards_of_owners(
    open_shop: OpenShop, photos: list[Path], axe: Path, invoice: Path
) -> None:
    market = open_shop()
    add_documents(market.app, "7", "a document with a long name that does not fit on a phone.pdf")
    page = market.enter()

    def check(state: str) -> None:
        for width, height in ((390, 844), (1280, 900)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme, rules in SCHEMES.items():
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                where = f"owner-{width}-{scheme}-{state}"
                market.screenshot(page, where, full_page=True)
                assert (where, barriers(page, axe, rules)) == (where, [])
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where

    open_as(page, "product_image", "a-chair-with-a-very-long-name-that-does-not-fit-0123456789")
    check("empty")
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    check("photos")
    open_as(page, "order_document", "7")
    expect(page.locator(".document")).to_have_count(1)
    held = hold_back_forms(page, market.bucket.server.endpoint_url)
    choose(page, invoice, photos[0])
    expect(page.locator(".phase").get_by_text("0 %", exact=True)).to_be_visible()
    check("documents")
    assert held


def test_the_form_of_broker_dev_refuses_an_owner_that_no_profile_has(open_shop: OpenShop) -> None:
    page = open_shop().enter()
    form = page.get_by_role("form", name="Open as owner")
    form.get_by_label("Owner").fill("a/b")
    form.get_by_label("Owner").press("Enter")
    expect(form).to_contain_text("Use up to 64 letters, digits, _ and -.")
    expect(form.get_by_label("Owner")).to_be_focused()
    expect(page.locator("#granted")).to_be_hidden()
    expect(page.locator("#listing")).to_be_visible()
