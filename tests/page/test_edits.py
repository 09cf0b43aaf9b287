"""The page: changes are saved once, and do not overwrite the changes of another tab."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from tests.page.conftest import OpenMarket
from tests.page.seller import choose, expect_recorded, names, photo
from tests.page.waiting import wait_until
from tests.servers.held_requests import HeldRequests


def bodies(page: Page, method: str) -> list[dict[str, Any]]:
    """From now on, collect the bodies of the page's requests with this method."""
    sent: list[dict[str, Any]] = []

    def record(request: Request) -> None:
        if request.method == method and "/api/" in request.url:
            sent.append(json.loads(request.post_data or "null"))

    page.on("request", record)
    return sent


def make_listing(page: Page, title: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_label("Price").fill("20")
    page.get_by_label("Price").press("Tab")
    expect(page.locator("#listing-state")).to_have_text("Saved.")


def test_only_changed_fields_are_sent(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    page = market.enter()
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    patched = bodies(page, "PATCH")
    field = photo(page, photos[1]).get_by_label("Description of")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        field.fill("The saddle")
        field.press("Tab")
    assert patched == [{"alt_text": "The saddle"}]
    photo(page, photos[1]).get_by_role("button", name="main photo").click()
    wait_until(page, lambda: market.images()[0]["alt_text"] == "The saddle")
    assert [sorted(body) for body in patched[1:]] == [["order"]] * len(patched[1:])
    page.get_by_label("Price").fill("3")
    page.get_by_label("Price").press("Tab")
    expect(page.locator("#listing-state")).to_have_text("Saved.")
    assert patched[-1] == {"price": "3"}
    expect(page.get_by_label("Price")).to_have_value("3.00")


def test_offline_changes_are_saved_when_the_network_is_back(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    page.get_by_label("Title").fill("A lamp")
    page.get_by_label("Title").press("Tab")
    expect(page.locator("#listing-state")).to_have_text("Saved.")
    page.context.set_offline(True)
    page.get_by_label("Title").fill("A green lamp")
    photo(page, photos[1]).get_by_label("Description of").fill("From the left")
    photo(page, photos[1]).get_by_role("button", name="main photo").click()
    expect(page.locator("#said")).to_have_text(f"{photos[1].name} is now photo 1 of 2.")
    asks = page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    assert asks  # the browser asks the user before it leaves the page
    page.context.set_offline(False)
    wait_until(page, lambda: market.images()[0]["alt_text"] == "From the left")
    wait_until(page, lambda: market.listings()[0]["title"] == "A green lamp")
    expect(page.locator("#trouble")).to_be_hidden()
    assert names(page) == [photos[1].name, photos[0].name]
    wait_until(
        page,
        lambda: page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))"),
    )


def test_a_listing_is_created_once_although_the_answer_was_lost(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    lost: list[str | None] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.header_value("Idempotency-Key"))
            route.fetch()  # the broker creates the listing
            route.abort()
        else:
            route.fallback()

    page.route("**/api/ads/", lose)
    choose(page, photos[0])
    expect_recorded(page, 1)
    assert lost[0]
    assert len(market.listings()) == 1


def test_photos_are_kept_for_another_try_if_the_listing_cannot_be_created(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    page.route("**/api/ads/", lambda route: route.fulfill(status=404, body="{}"))
    choose(page, *photos[:2])
    trouble = page.locator("#trouble")
    expect(trouble).to_be_visible()
    page.unroute_all()
    trouble.get_by_role("button", name="Try again").click()
    expect_recorded(page, 2)
    expect(trouble).to_be_hidden()


def test_a_title_typed_while_the_listing_is_created_is_kept(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    held = HeldRequests(page, "**/api/ads/")
    choose(page, photos[0])
    wait_until(page, lambda: bool(held))
    page.get_by_label("Title").fill("A chair")
    held.release()
    expect_recorded(page, 1)
    page.get_by_label("Title").press("Tab")
    expect(page.get_by_label("Title")).to_have_value("A chair")
    wait_until(page, lambda: [one["title"] for one in market.listings()] == ["A chair"])


def test_another_tabs_changes_do_not_replace_a_field_that_is_being_edited(
    open_market: OpenMarket,
) -> None:
    market = open_market()
    one = market.enter()
    make_listing(one, "A lamp")
    other = market.enter(one.context)
    other.get_by_label("Price").fill("25")  # the cursor stays in this field
    one.get_by_label("Title").fill("A green lamp")
    one.get_by_label("Price").fill("30")
    one.get_by_label("Price").press("Tab")
    expect(other.get_by_label("Title")).to_have_value("A green lamp")
    expect(other.get_by_label("Price")).to_have_value("25")
    other.get_by_label("Price").press("Tab")
    expect(one.get_by_label("Price")).to_have_value("25.00")
    assert [(ad["title"], ad["price"]) for ad in market.listings()] == [("A green lamp", "25.00")]


def test_another_listing_can_be_opened_while_one_is_saved(open_market: OpenMarket) -> None:
    market = open_market()
    page = market.enter()
    make_listing(page, "A lamp")
    held = HeldRequests(page, "**/api/ads/*/")
    page.get_by_label("Title").fill("A green lamp")
    page.get_by_label("Title").press("Tab")
    wait_until(page, lambda: bool(held))
    page.get_by_role("button", name="New listing").click()
    held.release()
    lamp = page.get_by_role("button", name="A green lamp")
    expect(lamp).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("")
    expect(page.locator("#listing-state")).to_have_text("")
    lamp.click()
    expect(lamp).to_be_focused()
    expect(lamp).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Title")).to_have_value("A green lamp")


def test_choosing_the_same_photo_again_does_not_add_it_twice(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    page.reload()
    expect_recorded(page, 2)
    choose(page, photos[0])
    expect(page.locator("#said")).to_have_text(f"{photos[0].name} is already in this listing.")
    expect_recorded(page, 2)
    assert len(market.images()) == 2
