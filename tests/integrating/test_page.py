"""The page of docs/integrating.md in a browser: shown by variants, uploaded, deleted."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from broker.config import Settings
from broker.storage import bucket_setup
from tests.e2e.live import served
from tests.http.client import JPEG
from tests.http.owners.granted import PROFILES
from tests.integrating.programs import Programs, blocks
from tests.integrating.shop import Shop, event
from tests.js_client.js_page import CLIENT
from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.fixtures import Bucket

pytestmark = [
    pytest.mark.matrix(part="walks"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
BROKER_URL = "http://127.0.0.1:8001"
PHOTO = "http://127.0.0.1:9/main.jpg"
VARIANT = {
    "width": 320,
    "height": 240,
    "content_type": "image/webp",
    "url": "http://127.0.0.1:9/main_w320.webp",
}


def test_the_page_shows_uploads_and_deletes_photos(
    make_app: Callable[..., Flask], s3_bucket: Bucket, programs: Programs, tmp_path: Path
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    folder = tmp_path / "shop"
    folder.mkdir()
    programs.write(folder)
    broker: list[Flask] = []
    with (
        installed_or_skip(),
        chromium() as browser,
        served(lambda *call: broker[0](*call)) as port,
    ):
        shop = Shop(programs, folder, broker_url=f"http://127.0.0.1:{port}")
        (page_text,) = blocks("integrating.md", "html")
        assert page_text.count(BROKER_URL) == 1
        (folder / "static/index.html").write_text(page_text.replace(BROKER_URL, shop.broker_url))
        shutil.copytree(CLIENT, folder / "static/upload-broker")
        with shop.serving():
            settings: dict[str, Any] = {"cors_origins": (shop.url,)}
            changed = Settings(**{**s3_bucket.settings.model_dump(), **settings})
            list(bucket_setup.apply(changed))
            broker.append(make_app(profiles_file=tmp_path / "profiles.toml", **settings))

            # The broker does not have this photo, so the feed removes it.
            assert shop.push(event(5000, 0, image_url=PHOTO, variants=[VARIANT])) == 204
            page = browser.new_page()
            page.goto(shop.url)
            picture = page.locator("#photos img")
            expect(picture).to_have_attribute("srcset", f"{VARIANT['url']} 320w, {PHOTO} 1600w")

            page.set_input_files(
                "input", {"name": "front.jpg", "mimeType": "image/jpeg", "buffer": JPEG}
            )
            expect(picture).to_have_count(2)
            shop.read_feed(lambda: len(shop.shown()) == 1)
            page.reload()
            expect(picture).to_have_count(1)
            page.click("#photos button")
            expect(picture).to_have_count(0)
            page.reload()
            assert shop.shown() == []
