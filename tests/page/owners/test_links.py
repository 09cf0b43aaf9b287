"""The page: signed links of documents are renewed before they expire."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Market
from tests.page.owners.conftest import OpenShop
from tests.page.owners.shop import add_documents, open_as
from tests.page.waiting import wait_until

pytestmark = pytest.mark.matrix(part="walks")


def with_a_document(market: Market) -> tuple[Page, list[str]]:
    """Open an order with one document. Return the page, and the list of readings that follow."""
    add_documents(market.app, "7", "invoice.pdf")
    page = market.visit()
    page.clock.install()
    page.reload()
    open_as(page, "order_document", "7")
    expect(page.get_by_role("link", name="Download invoice.pdf")).to_be_visible()
    readings: list[str] = []
    page.on("request", lambda one: "/files/?" in one.url and readings.append(one.url))
    return page, readings


def test_links_are_renewed_before_they_expire(open_shop: OpenShop) -> None:
    page, readings = with_a_document(open_shop())
    page.clock.fast_forward("03:30")
    assert readings == []
    page.clock.fast_forward("00:45")  # a link is valid for five minutes
    wait_until(page, lambda: len(readings) == 1)


def test_an_expired_link_is_renewed_when_it_is_used(open_shop: OpenShop) -> None:
    page, readings = with_a_document(open_shop())
    page.evaluate("() => { const later = Date.now() + 3600_000; Date.now = () => later; }")
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download invoice.pdf").click()
    assert downloaded.value.suggested_filename == "invoice.pdf"
    assert len(readings) == 1


def test_with_a_wrong_clock_links_are_not_renewed_all_the_time(open_shop: OpenShop) -> None:
    market = open_shop()
    add_documents(market.app, "7", "invoice.pdf")
    page = market.visit()
    page.clock.install(time="2036-01-01")
    page.reload()
    readings: list[str] = []
    page.on("request", lambda one: "/files/?" in one.url and readings.append(one.url))
    open_as(page, "order_document", "7")
    expect(page.get_by_role("link", name="Download invoice.pdf")).to_be_visible()
    assert len(readings) == 1
    page.clock.fast_forward("00:25")
    wait_until(page, lambda: len(readings) == 2)
    with page.expect_download():
        page.get_by_role("link", name="Download invoice.pdf").click()
