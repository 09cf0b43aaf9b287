"""The page: photos that are refused, by the page, the broker or the bucket."""

from pathlib import Path

from playwright.sync_api import expect

from tests.page.conftest import OpenMarket
from tests.page.seller import choose, drop, expect_recorded, photo


def test_a_file_of_an_unsupported_type_is_refused_with_a_clear_message(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    market = open_market()
    page = market.enter()
    notes = tmp_path / "notes.txt"
    notes.write_text("no photo")
    drop(page, [notes, photos[0]])
    failure = photo(page, notes).locator(".failure")
    expect(failure).to_contain_text("notes.txt: This file type isn't supported")
    expect(failure).to_contain_text("Choose a JPEG, PNG, WebP, GIF, AVIF, HEIC or HEIF file.")
    expect(failure.get_by_role("button", name="Try again")).to_be_hidden()
    expect_recorded(page, 1)
    market.screenshot(page, "wrong-type")
    failure.get_by_role("button", name="Remove").click()
    expect(page.locator(".photo")).to_have_count(1)
    assert len(market.uploads()) == 1


def test_a_file_over_the_limit_is_refused_before_it_is_sent(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market(max_image_bytes=400_000)
    page = market.enter()
    choose(page, photos[-1], photos[0])
    failure = photo(page, photos[-1]).locator(".failure")
    expect(failure).to_contain_text("The file is too large or empty")
    expect(failure).to_contain_text("The maximum size is 400 kB.")
    expect_recorded(page, 1)
    assert len(market.uploads()) == 1


def test_photos_for_which_there_is_no_slot_can_be_sent_once_one_is_free(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market(max_images_per_ad=2)
    page = market.enter()
    choose(page, *photos[:3])
    failure = photo(page, photos[2]).locator(".failure")
    expect(failure).to_contain_text("This listing is full")
    expect_recorded(page, 2)
    photo(page, photos[0]).get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".photo")).to_have_count(2)
    failure.get_by_role("button", name="Try again").click()
    expect_recorded(page, 2)
    assert len(market.images()) == 2


def test_the_user_can_try_again_after_the_bucket_refused_a_photo(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    answer = "<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message></Error>"
    headers = {"Access-Control-Allow-Origin": market.url}
    page.route(
        f"{market.bucket.server.endpoint_url}/**",
        lambda route: route.fulfill(status=403, headers=headers, body=answer),
    )
    choose(page, photos[0])
    failure = photo(page, photos[0]).locator(".failure")
    expect(failure).to_contain_text("File storage refused the photo")
    page.unroute_all()
    failure.get_by_role("button", name="Try again").click()
    expect(photo(page, photos[0]).locator(".grip")).to_be_focused()
    expect_recorded(page, 1)
    assert len(market.images()) == 1


def test_a_failed_photo_that_is_chosen_again_is_resumed_in_its_place(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    # The broker's own refusal is final; a proxy's would be tried again for a minute.
    refusal = {"code": "forbidden", "status": 403, "title": "No", "detail": "No."}
    page.route("**/confirm/", lambda route: route.fulfill(status=403, json=refusal))
    choose(page, *photos[:2])
    expect(page.locator(".photo[data-state=failed]")).to_have_count(2)
    page.unroute_all()
    choose(page, photos[0])
    expect(page.locator(".photo[data-state=recorded]")).to_have_count(1)
    expect(page.locator(".photo")).to_have_count(2)
    expect(page.locator("#interrupted")).to_be_hidden()
