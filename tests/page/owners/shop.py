"""The profiles of a shop, and what its users do on the page."""

from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.http.client import token
from tests.http.files.private_files import Owner, granted
from tests.page.conftest import DESKTOP, Market

PDF = b"%PDF-1.7 an invoice for order 7"
ALL = ("create", "update", "delete", "read")
PROFILES = """
[product_image]
prefix = "products/product_{owner}/"
content_types = ["image/jpeg", "image/png", "image/heic"]
max_count = 3

[order_document]
prefix = "orders/order_{owner}/"
content_types = ["application/pdf", "text/csv"]
visibility = "private"
inspection = "off"
max_bytes = "1MB"
max_count = 0

[contract]
prefix = "contracts/user_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
inspection = "off"
keeps_one = true
"""


def grant(profile: str, owner: str, *actions: str) -> dict[str, Any]:
    return {"type": "upload", "profile": profile, "owner": owner, "actions": list(actions or ALL)}


def signed_in(market: Market, claim: Any, **options: Any) -> Page:
    """Open the page with a token that has this claim of grants."""
    context = market.browser.new_context(**{**DESKTOP, **options})
    context.set_default_timeout(20_000)
    market.contexts.append(context)
    bearer = token(1, authorization_details=claim)
    context.add_init_script(f"sessionStorage.setItem('upload-broker-token', '{bearer}')")
    return market.enter(context)


def open_as(page: Page, profile: str, owner: str) -> None:
    """Open an owner with the form of `broker dev`."""
    form = page.get_by_role("form", name="Open as owner")
    form.get_by_label("Profile").select_option(profile)
    form.get_by_label("Owner").fill(owner)
    form.get_by_label("Owner").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(owner)


def owner(app: Flask, profile: str, name: str) -> Owner:
    """Return an owner as the API shows it to a caller with all actions."""
    return Owner(granted(app, profile, name), profile, name)


def document(page: Page, name: str | Path) -> Locator:
    name = Path(name).name
    return page.locator(".document").filter(has=page.get_by_text(name, exact=True))


def add_documents(app: Flask, order: str, *names: str) -> None:
    for name in names:
        owner(app, "order_document", order).add(name.encode(), file_name=name)
