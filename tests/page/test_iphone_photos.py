"""A photo of an iPhone from the page to two browsers that cannot display HEIC themselves."""

import shutil
from pathlib import Path

import pytest
import pyvips
from playwright.sync_api import Browser

from broker.inspection.inspect import inspect
from tests.http.worker import Worker
from tests.inspection.iphone import iphone_photo, upright
from tests.inspection.pictures import alike, corners
from tests.page.conftest import Market, OpenMarket
from tests.page.seller import choose, expect_recorded
from tests.page.test_processing import expect_processing
from tests.servers import installed_or_skip
from tests.servers.firefox import firefox_screenshot

WIDTH, HEIGHT = 320, 480  # half of the window each


@pytest.mark.matrix(part="walks")
def test_a_photo_of_an_iphone_is_displayed_upright_in_chromium_and_firefox(
    open_market: OpenMarket, browser: Browser, tmp_path: Path
) -> None:
    with installed_or_skip():
        heic = iphone_photo(tmp_path / "IMG_0001.heic")
    market = open_market(inspection="required")
    directory = tmp_path / "worker"
    directory.mkdir()
    worker = Worker(market.app, directory, inspect=lambda request, **_: inspect(request))
    page = market.enter()
    choose(page, heic)
    expect_processing(page, 1)
    market.screenshot(page, "iphone-processing")
    assert worker.run() == ["published"]
    expect_recorded(page, 1)
    page.reload()
    expect_recorded(page, 1)
    page.locator(".photo img.thumb").evaluate("image => image.decode()")
    market.screenshot(page, "iphone-processed")

    (image,) = market.images()
    assert image["image_url"].endswith(".jpg")
    assert (image["width"], image["height"]) == (960, 1440)
    viewer = tmp_path / "viewer.html"
    viewer.write_text(
        '<!doctype html><title>A photo and its variant</title><body style="margin:0;display:flex">'
        + "".join(
            f'<img src="{url}" width="{WIDTH}" height="{HEIGHT}">'
            for url in (image["image_url"], image["variants"][0]["url"])
        )
    )
    pictures = {name: tmp_path / f"iphone-in-{name}.png" for name in ("chromium", "firefox")}
    in_chromium(browser, viewer, pictures["chromium"])
    with installed_or_skip():
        firefox_screenshot(
            viewer.as_uri(), pictures["firefox"], width=2 * WIDTH, height=HEIGHT
        )
    expected = corners(upright())
    for name, picture in pictures.items():
        if market.screenshots:
            shutil.copy(picture, market.screenshots)
        displayed = pyvips.Image.pngload(str(picture))
        assert (displayed.width, displayed.height) == (2 * WIDTH, HEIGHT), name
        for left in (0, WIDTH):
            assert alike(corners(displayed.crop(left, 0, WIDTH, HEIGHT)), expected), name


def in_chromium(browser: Browser, viewer: Path, target: Path) -> None:
    context = browser.new_context(viewport={"width": 2 * WIDTH, "height": HEIGHT})
    page = context.new_page()
    page.goto(viewer.as_uri())
    page.screenshot(path=target)
    context.close()
