"""The components of docs/cookbook.md, unchanged, with the real React and Vue in browsers."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.js_client.conftest import OpenShop, Shop
from tests.js_client.cookbook_page import bundle
from tests.servers import installed_or_skip
from tests.servers.browsers import IN_EACH_BROWSER
from tests.servers.held_requests import HeldRequests

pytestmark = IN_EACH_BROWSER
FRAMEWORKS = ["react", "vue"]
PLACEHOLDERS = re.compile("BROKER_URL|TOKEN|AD_ID")  # `open_shop` replaces these values


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with installed_or_skip():
        return {name: bundle(name, tmp_path_factory.mktemp(name)) for name in FRAMEWORKS}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in ("a.jpg", "b.png", "c.svg")]
    for photo in found:
        photo.write_bytes(photo.name.encode() * 99)
    return found


def visit(shop: Shop) -> tuple[Page, list[str]]:
    """Open the page. Return it with its errors and warnings."""
    page, said = shop.browser.new_page(), list[str]()
    page.set_default_timeout(30_000)
    loud = ("error", "warning")  # React measures itself in Firefox's console

    def hear(one: ConsoleMessage) -> None:
        if one.type in loud:
            said.append(one.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(shop.page_url)
    page.evaluate(
        "props => mount(props)",
        {"baseUrl": shop.broker_url, "token": shop.alice.token, "ad": shop.ad},
    )
    return page, said


def open_page(open_shop: OpenShop, script: str, **changes: object) -> Shop:
    assert not PLACEHOLDERS.search(script)
    return open_shop(script=script, **changes)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_photos_are_uploaded_and_a_wrong_file_shows_a_message(
    open_shop: OpenShop, scripts: dict[str, str], photos: list[Path], framework: str
) -> None:
    shop = open_page(open_shop, scripts[framework])
    page, said = visit(shop)
    page.get_by_label("Add photos").set_input_files(photos)
    expect(page.get_by_role("status")).to_have_text(["sent", "sent"], timeout=30_000)
    expect(page.get_by_role("alert")).to_have_text(
        ["This file type isn't supported, or the file is too large."]
    )
    expect(page.get_by_role("listitem")).to_have_count(3)
    shown = sorted(page.evaluate("images.map((image) => image.image_url)"))
    assert shown == sorted(image["image_url"] for image in shop.images())
    assert [(image["order"], Path(image["image_url"]).suffix) for image in shop.images()] == [
        (0, ".jpg"),
        (1, ".png"),
    ]
    assert [line for line in said if "422" not in line] == []
    page.close()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_progress_is_shown_and_an_upload_can_be_cancelled(
    open_shop: OpenShop, scripts: dict[str, str], photos: list[Path], framework: str
) -> None:
    shop = open_page(open_shop, scripts[framework])
    page, said = visit(shop)
    bucket_url = shop.app.extensions["broker"].storage.presigner.bucket_url
    HeldRequests(page, f"{bucket_url}**")
    with page.expect_request(lambda request: request.url.startswith(bucket_url)):
        page.get_by_label("Add photos").set_input_files(photos[0])
    expect(page.get_by_role("progressbar", name="a.jpg")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.get_by_role("button", name="Cancel a.jpg").click()
    expect(page.get_by_role("status")).to_have_text(["cancelled"])
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert (shop.images(), page.evaluate("images")) == ([], [])
    assert said == []
    page.close()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_full_ad_shows_a_message(
    open_shop: OpenShop, scripts: dict[str, str], photos: list[Path], framework: str
) -> None:
    shop = open_page(open_shop, scripts[framework], max_images_per_ad=1)
    assert shop.alice.ticket(shop.ad).status_code == 201
    page, _ = visit(shop)
    page.get_by_label("Add photos").set_input_files(photos[0])
    expect(page.get_by_role("alert")).to_have_text(["This ad is full."])
    page.close()
