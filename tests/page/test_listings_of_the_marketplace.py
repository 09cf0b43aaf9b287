"""The page with `BROKER_ADS_CREATED_BY=service`: only the marketplace creates listings."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.http.client import Client, token
from tests.http.marketplace.ads import put
from tests.page.conftest import OpenMarket
from tests.page.seller import choose, expect_recorded

pytestmark = pytest.mark.matrix(part="walks")


def test_the_page_offers_no_new_listing_and_shows_those_of_the_marketplace(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market(ads_created_by="service")
    page = market.enter()
    new = page.get_by_role("button", name="New listing")
    expect(page.get_by_role("heading", name="Nothing to show yet")).to_be_visible()
    expect(page.get_by_text("No listings yet. The marketplace creates them.")).to_be_visible()
    for hidden in (new, page.get_by_role("button", name="Choose photos")):
        expect(hidden).to_be_hidden()
    market.screenshot(page, "no-listings")
    assert put(Client(market.app, token(role="service")), 42, owner=1).status_code == 201
    page.reload()
    choose(page, photos[0])
    expect_recorded(page, 1)
    expect(new).to_be_hidden()
    assert len(market.images()) == 1
