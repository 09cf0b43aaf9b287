"""The steps of docs/profiles.md from a product to its photos run as they are shown there."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.http.client import JPEG, SECRET
from tests.http.files.private_files import PROFILES
from tests.js_client.conftest import OpenShop
from tests.js_client.js_page import CLIENT

DOCS = CLIENT.parents[1] / "docs"
SELLER = SimpleNamespace(pk=7)
# The page's own code. The snippet runs when the files are chosen.
AROUND = """
const baseUrl = "BROKER_URL";
globalThis.shown = { photos: null, errors: [] };
const showPhotos = (photos) => { shown.photos = photos; };
const showError = (code) => shown.errors.push(code);
document.querySelector("#photos").addEventListener("change", async ({ target: { files } }) => {
"""
View = Callable[..., tuple[str, str]]


def block(page: str, language: str) -> str:
    """Return the only block of a page in this language."""
    text = (DOCS / page).read_text()
    fence = rf"^ *```{language}\n(.*?)^ *```$"
    (found,) = re.findall(fence, text, re.MULTILINE | re.DOTALL)
    return dedent(found)


def find_product(_: object, *, pk: int, seller: object) -> SimpleNamespace:
    """Find a product as `get_object_or_404` does: 42 belongs to the seller, and no other exists."""
    if (pk, seller) != (42, SELLER):
        raise LookupError(pk)
    return SimpleNamespace(pk=pk)


@pytest.fixture
def photo_token(monkeypatch: pytest.MonkeyPatch) -> View:
    """Return the view of the page, with stand-ins for Django and its model."""
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)
    program: dict[str, Any] = {}
    exec(block("tokens.md", "python").split("\nprint(")[0], program)  # noqa: S102
    contents: dict[str, dict[str, Any]] = {
        "django.contrib.auth.decorators": {"login_required": lambda view: view},
        "django.http": {"HttpResponse": lambda text, content_type: (text, content_type)},
        "django.shortcuts": {"get_object_or_404": find_product},
        "shop.models": {"Product": object()},
        "shop.tokens": {"upload_token": program["upload_token"]},
    }
    for name in ("django", "django.contrib", "django.contrib.auth", "shop", *contents):
        module = ModuleType(name)
        vars(module).update(contents.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    defined: dict[str, Any] = {}
    exec(block("profiles.md", "python"), defined)  # noqa: S102
    view: View = defined["photo_token"]
    return view


def test_the_view_of_the_page_signs_nothing_for_another_sellers_product(photo_token: View) -> None:
    with pytest.raises(LookupError):
        photo_token(SimpleNamespace(user=SimpleNamespace(pk=8)), 42)


def test_photos_of_a_product_are_uploaded_and_shown_as_the_page_says(
    open_shop: OpenShop, photo_token: View, tmp_path: Path
) -> None:
    def answer(route: Route) -> None:
        product = re.search(r"/upload-token/product_image/(\d+)/$", route.request.url)
        assert product is not None
        text, content_type = photo_token(SimpleNamespace(user=SELLER), int(product[1]))
        route.fulfill(body=text, content_type=content_type)

    profiles = tmp_path / "profiles.toml"
    profiles.write_text(PROFILES[: PROFILES.index("[invoice]")])
    imports, rest = block("profiles.md", "js").split("\n\n", 1)
    shop = open_shop(
        script=f"{imports}\n{AROUND}{rest}}});",
        body='<input type="file" id="photos" multiple>',
        profiles_file=profiles,
    )
    photos = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.svg")]
    for number, photo in enumerate(photos):
        photo.write_bytes(JPEG + bytes([number]))
    # The policy of this shop does not let its page ask its own server for a token.
    page = shop.browser.new_page(bypass_csp=True)
    page.route("**/upload-token/**", answer)
    page.goto(shop.page_url)
    page.set_input_files("#photos", photos)
    page.wait_for_function("shown.photos")
    names = page.evaluate("shown.photos.map((photo) => photo.file_name)")
    assert sorted(names) == ["a.jpg", "b.jpg"]
    assert page.evaluate("shown.errors") == ["validation_error"]
    keys = page.evaluate("shown.photos.map((photo) => photo.key)")
    assert all(key.startswith("products/product_42/") for key in keys)
    page.close()
