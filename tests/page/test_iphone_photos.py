"""Photos of phones from the page to two browsers. Neither browser can display HEIC."""

import shutil
from pathlib import Path

import pytest
import pyvips
from playwright.sync_api import Browser

from broker.inspection.inspect import inspect
from tests.http.worker import Worker
from tests.inspection import iphone
from tests.inspection.iphone import iphone_photo, upright
from tests.inspection.pictures import alike, corners, picture
from tests.inspection.test_exiftool import exiftool
from tests.page.conftest import OpenMarket
from tests.page.seller import choose, expect_recorded
from tests.page.test_processing import expect_processing
from tests.servers import installed_or_skip
from tests.servers.firefox import firefox_screenshot

WIDTH, HEIGHT = 320, 480
COLUMNS = 4  # each photo, and its variant


@pytest.mark.matrix(part="walks")
def test_photos_of_phones_are_displayed_upright_in_chromium_and_firefox(
    open_market: OpenMarket, browser: Browser, tmp_path: Path
) -> None:
    with installed_or_skip():
        heic = iphone_photo(tmp_path / "IMG_0001.heic")
        jpeg = turned_jpeg(tmp_path / "IMG_0002.jpg")
    market = open_market(inspection="required")
    directory = tmp_path / "worker"
    directory.mkdir()
    worker = Worker(market.app, directory, inspect=lambda request, **_: inspect(request))
    page = market.enter()
    choose(page, heic, jpeg)
    expect_processing(page, 2)
    market.screenshot(page, "iphone-processing")
    assert worker.run() == ["published"] * 2
    expect_recorded(page, 2)
    page.reload()
    expect_recorded(page, 2)
    page.locator(".photo img.thumb").evaluate_all(
        "images => Promise.all(images.map((image) => image.decode()))"
    )
    market.screenshot(page, "iphone-processed")

    images = market.images()
    assert [image["image_url"][-4:] for image in images] == [".jpg", ".jpg"]
    assert [(image["width"], image["height"]) for image in images] == [(960, 1440)] * 2
    viewer = tmp_path / "viewer.html"
    viewer.write_text(
        '<!doctype html><title>Photos and variants</title><body style="margin:0;display:flex">'
        + "".join(
            f'<img src="{url}" width="{WIDTH}" height="{HEIGHT}">'
            for image in images
            for url in (image["image_url"], image["variants"][0]["url"])
        )
    )
    pictures = {name: tmp_path / f"photos-in-{name}.png" for name in ("chromium", "firefox")}
    in_chromium(browser, viewer, pictures["chromium"])
    with installed_or_skip():
        firefox_screenshot(
            viewer.as_uri(), pictures["firefox"], width=COLUMNS * WIDTH, height=HEIGHT
        )
    expected = corners(upright())
    for name, screenshot in pictures.items():
        if market.screenshots:
            shutil.copy(screenshot, market.screenshots)
        displayed = pyvips.Image.pngload(str(screenshot))
        assert (displayed.width, displayed.height) == (COLUMNS * WIDTH, HEIGHT), name
        for column in range(COLUMNS):
            assert alike(corners(displayed.crop(column * WIDTH, 0, WIDTH, HEIGHT)), expected), name


def turned_jpeg(path: Path) -> Path:
    """Write the sensor's rows as JPEG, and the orientation as EXIF."""
    picture(iphone.WIDTH, iphone.HEIGHT).jpegsave(str(path), Q=90)
    exiftool("-overwrite_original", "-EXIF:Orientation#=6", path)
    return path


def in_chromium(browser: Browser, viewer: Path, target: Path) -> None:
    context = browser.new_context(viewport={"width": COLUMNS * WIDTH, "height": HEIGHT})
    page = context.new_page()
    page.goto(viewer.as_uri())
    page.screenshot(path=target)
    context.close()
