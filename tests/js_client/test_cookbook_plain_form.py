"""The plain form of docs/cookbook.md, unchanged, in Chromium without JavaScript."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from broker.app import create_app
from broker.db import migrate
from broker.db.models import Upload
from broker.local.process import free_ports
from tests.e2e.live import served
from tests.http.client import JPEG, Client, rows, token
from tests.js_client.cookbook_shop import shop_of
from tests.servers.fixtures import Bucket


@dataclass
class Shop:
    """Return a shop that renders plain forms, with a broker that allows them."""

    app: Flask
    url: str
    alice: Client
    ad: int

    def images(self) -> list[str]:
        images = self.alice.get(f"/api/ads/{self.ad}/").get_json()["images"]
        return [image["image"] for image in images]


@pytest.fixture
def shop(any_bucket: Bucket, tmp_path: Path) -> Iterator[Shop]:
    (port,) = free_ports(1)
    url = f"http://localhost:{port}"
    settings = any_bucket.settings.model_copy(
        update={
            "database_url": f"sqlite:///{tmp_path / 'broker.db'}",
            "require_checksum": False,
            "return_origins": (url,),
            "max_image_bytes": 2000,
            "max_images_per_ad": 1,
        }
    )
    migrate.upgrade(settings.database_url)
    app = create_app(settings)
    alice = Client(app, token(1))
    with ExitStack() as stack:
        stack.callback(app.extensions["broker"].database.dispose)
        broker_url = f"http://127.0.0.1:{stack.enter_context(served(app))}"
        bucket_url = app.extensions["broker"].storage.presigner.bucket_url
        stack.enter_context(served(shop_of(broker_url, bucket_url, alice.token or ""), port))
        yield Shop(app, url, alice, alice.ad())


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{shop.url}/ads/{shop.ad}/photo/")
    yield page
    context.close()


def send(page: Page, photo: Path, data: bytes) -> None:
    photo.write_bytes(data)
    page.get_by_label("A JPEG").set_input_files(photo)
    page.get_by_role("button", name="Send").click()


def test_a_photo_is_sent_to_the_bucket_and_the_browser_is_redirected_back(
    shop: Shop, page: Page, tmp_path: Path
) -> None:
    send(page, tmp_path / "photo.jpg", JPEG)
    page.wait_for_url(f"{shop.url}/ads/{shop.ad}/")
    (image,) = shop.images()
    expect(page.get_by_role("img", name=image)).to_have_count(1)
    head = shop.app.extensions["broker"].storage.head(f"media/{image}")
    assert (head.content_length, head.content_type) == (len(JPEG), "image/jpeg")

    page.goto(f"{shop.url}/ads/{shop.ad}/photo/sent/")
    assert page.url == f"{shop.url}/ads/{shop.ad}/"
    page.goto(f"{shop.url}/ads/{shop.ad}/photo/")
    expect(page.get_by_role("alert")).to_have_text("This ad is full.")
    assert shop.images() == [image]


def test_a_photo_that_is_too_large_is_refused_and_another_can_be_chosen(
    shop: Shop, page: Page, tmp_path: Path
) -> None:
    send(page, tmp_path / "large.jpg", JPEG * 2)
    expect(page.get_by_text("EntityTooLarge").first).to_be_attached()
    page.go_back()
    page.reload()
    send(page, tmp_path / "photo.jpg", JPEG)
    page.wait_for_url(f"{shop.url}/ads/{shop.ad}/")
    assert len(shop.images()) == 1
    assert rows(shop.app, Upload) == 1


def test_a_user_who_returns_without_sending_a_photo_sees_a_message(shop: Shop, page: Page) -> None:
    answer = page.goto(f"{shop.url}/ads/{shop.ad}/photo/sent/")
    assert answer is not None
    assert answer.status == 409
    expect(page.get_by_role("alert")).to_have_text("The bucket does not hold the object yet.")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("A JPEG")).to_be_visible()
