"""The page shows what the token grants, and only the actions that it grants."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from broker.domain.grants import read_grants
from tests.http.client import token
from tests.page.owners.conftest import OpenShop
from tests.page.owners.shop import add_documents, document, grant, owner, signed_in
from tests.page.seller import choose, expect_recorded

FULL = grant("product_image", "42")
CLAIMS: list[Any] = [
    None,
    [],
    {},
    "product_image/42",
    [FULL] * 101,
    [FULL, None, 7, [], "x"],
    [FULL, {**FULL, "owner": "43"}, {**FULL, "actions": ["read"]}],
    [{**FULL, "actions": ["create"]}, {**FULL, "actions": ["read", "read"]}],
    [
        {"type": "payment"},
        {"type": "payment", "profile": 7},
        {"type": 7},
        {"profile": "product_image"},
    ],
    [
        {**FULL, "owner": owner}
        for owner in ("042", "a-b_C", "a" * 64, "a" * 65, "", "ä", "a/b", 42, None, "4\n")
    ],
    [
        {**FULL, "profile": profile}
        for profile in ("Product_image", "", 7, "order_document", "x" * 33)
    ],
    [
        {**FULL, "actions": actions}
        for actions in ([], ["buy"], "read", ["read", 7], ["read"] * 5, None)
    ],
    [{**FULL, "locations": ["https://a.example"]}, {**FULL, "extra": None}],
]


@pytest.mark.matrix(part="walks")
def test_page_and_broker_read_the_same_grants(open_shop: OpenShop) -> None:
    page = open_shop().enter()
    found = page.evaluate(
        """async (claims) => {
            const { readGrants } = await import("/web/grants.js");
            const profiles = await (await fetch("/api/profiles/")).json();
            return claims.map((claim) => {
                const claims = { authorization_details: claim };
                const { granted, malformed } = readGrants(claims, profiles);
                const all = [...granted].map(([key, actions]) => [key, [...actions].sort()]);
                return [all.sort(), malformed];
            });
        }""",
        CLAIMS,
    )
    for claim, (granted, malformed) in zip(CLAIMS, found, strict=True):
        grants, faults = read_grants(claim)
        expected = [
            ["/".join(key), sorted(actions)] for key, actions in sorted(grants.actions.items())
        ]
        assert (granted, malformed) == (expected, len(faults)), claim


def shown(page: Page) -> list[str]:
    return [" ".join(one.inner_text().split()) for one in page.locator("#owners .name").all()]


def test_only_granted_actions_are_shown(open_shop: OpenShop) -> None:
    market = open_shop(dev=False)
    add_documents(market.app, "7", "invoice.pdf")
    page = signed_in(
        market, [grant("order_document", "7", "read"), grant("gone", "1"), {"type": "upload"}]
    )
    assert shown(page) == ["7 Order document"]
    expect(page.locator("#skipped")).to_have_text(
        "Your token names gone, which this broker doesn't have."
        " A grant in your token isn't valid. The rest works."
    )
    page.locator("#owners button").click()
    expect(page.get_by_role("link", name="Download invoice.pdf")).to_be_visible()
    expect(page.locator("#rights")).to_have_text(
        "Your token doesn't allow you to add or delete documents."
    )
    for hidden in ("Choose documents", "Delete invoice.pdf", "Open"):
        expect(page.get_by_role("button", name=hidden, exact=True)).to_be_hidden()


@pytest.mark.matrix(part="walks")
def test_without_the_action_read_the_stored_documents_are_not_listed(
    open_shop: OpenShop, invoice: Path
) -> None:
    market = open_shop(dev=False)
    add_documents(market.app, "7", "secret.pdf")
    page = signed_in(market, [grant("order_document", "7", "create")])
    page.locator("#owners button").click()
    expect(page.locator("#rights")).to_have_text(
        "You can add documents, but you can't see those that are stored."
    )
    choose(page, invoice)
    expect(document(page, invoice)).to_have_attribute("data-state", "recorded")
    expect(page.locator(".document")).to_have_count(1)
    expect(page.get_by_role("link", name="Download")).to_be_hidden()
    assert len(owner(market.app, "order_document", "7").files()) == 2


@pytest.mark.matrix(part="walks")
def test_a_products_photos_without_the_action_update_cannot_be_moved_or_described(
    open_shop: OpenShop, photos: list[Path]
) -> None:
    market = open_shop(dev=False)
    page = signed_in(market, [grant("product_image", "42", "create", "delete")])
    page.locator("#owners button").click()
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    expect(page.locator("#rights")).to_have_text("Your token doesn't allow you to change photos.")
    for selector in (".grip", ".earlier", ".later", ".star", ".alt"):
        expect(page.locator(f".photo {selector}").first).to_be_hidden()
    page.get_by_role("button", name=f"Delete {photos[0].name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name=f"Delete {photos[1].name}")).to_be_focused()
    market.screenshot(page, "owner-no-update")


BY_TOKEN = """
[ad_image]
owners = "token"

[avatar]
owners = "token"
"""


@pytest.mark.matrix(part="walks")
def test_if_owners_are_by_token_the_page_has_no_listings_and_opens_a_granted_owner(
    open_shop: OpenShop, photos: list[Path]
) -> None:
    market = open_shop(BY_TOKEN, dev=False)
    page = signed_in(market, [grant("ad_image", "9"), grant("avatar", "1"), grant("ad_image", "x")])
    assert shown(page) == ["9 Ad image", "1 Avatar"]
    expect(page.locator("#owner-title")).to_have_text("Ad image 9")
    expect(page.locator("#your-listings")).to_be_hidden()
    expect(page.locator("#account")).to_be_hidden()
    expect(page.locator("#skipped")).to_contain_text("A grant in your token isn't valid.")
    choose(page, *photos[:2])
    expect_recorded(page, 2)
    page.get_by_role("button", name="1 Avatar").click()
    expect(page.locator("#photos")).to_contain_text("Photo")
    choose(page, photos[0])
    expect_recorded(page, 1)
    assert len(owner(market.app, "ad_image", "9").files()) == 2


@pytest.mark.matrix(part="walks")
def test_a_token_that_grants_nothing_is_replaced_by_another(open_shop: OpenShop) -> None:
    market = open_shop(BY_TOKEN, dev=False)
    page = market.visit()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token(1))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Nothing to show yet")).to_be_visible()
    expect(page.get_by_role("button", name="Choose photos")).to_be_hidden()
    market.screenshot(page, "owner-nothing")
    page.get_by_role("button", name="Use another token").click()
    dialog.get_by_label("Token").fill(token(1, authorization_details=[grant("ad_image", "9")]))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#owner-title")).to_have_text("Ad image 9")


@pytest.mark.matrix(part="walks")
def test_after_the_token_expires_a_new_one_continues_on_the_same_board(
    open_shop: OpenShop, invoice: Path
) -> None:
    market = open_shop(dev=False)
    page = signed_in(market, [grant("order_document", "7")])
    page.locator("#owners button").click()
    add_documents(market.app, "7", "before.pdf")
    problem = '{"code": "token_expired", "status": 401, "detail": "expired"}'
    first = token(1, authorization_details=[grant("order_document", "7")])

    def expire(route: Route) -> None:
        if route.request.headers.get("authorization") == f"Bearer {fresh}":
            route.continue_()
        else:
            route.fulfill(status=401, content_type="application/problem+json", body=problem)

    fresh = token(
        1, name="new", authorization_details=[grant("order_document", "7", "create", "read")]
    )
    assert first != fresh
    page.route("**/api/**", expire)
    choose(page, invoice)
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Token").fill(fresh)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name=f"Download {invoice.name}")).to_be_visible()
    expect(page.get_by_role("link", name="Download before.pdf")).to_be_visible()
    expect(page.locator("#owner-title")).to_have_text("Order document 7")
    expect(page.get_by_role("button", name=re.compile("^Delete"))).to_be_hidden()
    expect(page.locator("#rights")).to_have_text(
        "Your token doesn't allow you to delete documents."
    )
