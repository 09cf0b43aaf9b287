"""Photos that a worker inspects: what the seller sees before, after, and if one is rejected."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from broker.domain.rejections import RejectionReason
from broker.inspection.inspect import inspect
from tests.http.worker import Worker, rejecting
from tests.page.conftest import Market, OpenMarket
from tests.page.seller import choose, expect_recorded, photo

REQUIRED = {"inspection": "required"}


@pytest.fixture
def market(open_market: OpenMarket) -> Market:
    return open_market(**REQUIRED)


@pytest.fixture
def worker(market: Market, tmp_path: Path) -> Worker:
    directory = tmp_path / "worker"
    directory.mkdir()
    return Worker(market.app, directory, inspect=lambda request, **_: inspect(request))


def expect_processing(page: Page, count: int) -> None:
    expect(
        page.locator(".photo[data-state=under-way] .phase", has_text="Processing")
    ).to_have_count(count, timeout=60_000)


def test_a_photo_is_processed_then_shown_in_the_size_that_fits(
    market: Market, worker: Worker, photos: list[Path]
) -> None:
    page = market.enter()
    choose(page, *photos[:3])
    expect_processing(page, 3)
    expect(page.locator("#meter")).to_be_hidden()
    expect(photo(page, photos[0]).locator(".pause")).to_be_hidden()
    market.screenshot(page, "processing")
    assert worker.run() == ["published"] * 3
    expect_recorded(page, 3)
    page.reload()
    expect_recorded(page, 3)
    shown = page.locator(".photo img.thumb").first
    expect(shown).to_have_attribute("srcset", re.compile(r"_w320\.webp 320w, "))
    expect(shown).to_have_css("background-image", re.compile(r'^url\("data:image/png'))
    page.wait_for_function(
        "() => [...document.querySelectorAll('.photo img.thumb')].every((one) => one.complete"
        " && one.naturalWidth > 0 && one.currentSrc.endsWith('_w320.webp'))"
    )
    market.screenshot(page, "processed")


@pytest.mark.matrix(part="inspection")
def test_after_a_reload_the_page_waits_for_the_same_photos(
    market: Market, worker: Worker, photos: list[Path]
) -> None:
    page = market.enter()
    choose(page, photos[0])
    expect_processing(page, 1)
    page.reload()
    expect_processing(page, 1)
    expect(page.locator("#interrupted")).to_be_hidden()
    worker.run()
    expect_recorded(page, 1)
    assert len(market.images()) == 1


@pytest.mark.matrix(part="inspection")
def test_a_photo_is_cancelled_while_it_is_processed(
    market: Market, worker: Worker, photos: list[Path]
) -> None:
    page = market.enter()
    choose(page, photos[0])
    expect_processing(page, 1)
    page.locator(".photo .cancel").click()
    expect(page.locator(".photo")).to_have_count(0)
    assert [upload.state for upload in market.uploads()] == ["cancelled"]
    assert worker.run() == []


@pytest.mark.parametrize(
    "reload",
    [
        pytest.param(False, id="same-page"),
        pytest.param(True, id="after-a-reload", marks=pytest.mark.matrix(part="inspection")),
    ],
)
def test_a_rejection_is_shown_in_plain_words(
    market: Market, worker: Worker, photos: list[Path], reload: bool
) -> None:
    worker.inspect = rejecting(RejectionReason.NOT_AN_IMAGE)
    page = market.enter()
    choose(page, photos[0])
    expect_processing(page, 1)
    if reload:
        page.reload()
        expect_processing(page, 1)
    worker.run()
    failure = page.locator(".photo[data-state=failed]")
    expect(failure.locator(".fault")).to_have_text("This file isn't an image")
    expect(failure.locator(".why")).to_have_text("Choose a photo.")
    expect(failure.locator(".again")).to_be_hidden()
    market.screenshot(page, f"rejected{'-after-reload' if reload else ''}")
    failure.locator(".remove").click()
    expect(page.locator(".photo")).to_have_count(0)


@pytest.mark.matrix(part="inspection")
def test_an_avatar_is_shown_in_a_small_version(
    market: Market, worker: Worker, photos: list[Path]
) -> None:
    page = market.enter()
    page.locator("#account").click()
    page.locator("#avatar-file").set_input_files(photos[0])
    page.locator("#avatar-save").click()
    page.wait_for_function("() => document.getElementById('avatar-bar').position === -1")
    worker.run()
    expect(page.locator("#avatar-state")).to_have_text(re.compile("^Saved"))
    expect(page.locator("#face")).to_have_attribute("src", re.compile(r"_w320\.webp$"))
