"""The page: two tabs of one seller, sign-in, and the profile photo."""

import time
from pathlib import Path

import httpx
import jwt
from playwright.sync_api import expect

from tests.http.client import SECRET, Client, token
from tests.page.conftest import OpenMarket
from tests.page.seller import choose, expect_recorded, hold_back_forms, names, photo
from tests.page.waiting import wait_until


def test_two_tabs_show_the_same_listing(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    one = market.enter()
    choose(one, *photos[:2])
    expect_recorded(one, 2)
    other = market.enter(one.context)
    expect_recorded(other, 2)
    choose(other, photos[2])
    expect_recorded(other, 3)
    expect_recorded(one, 3)
    before = market.images()[0]["image"]
    photo(one, photos[1]).get_by_role("button", name="main photo").click()
    wait_until(one, lambda: market.images()[0]["image"] != before)
    expect(other.locator(".photo").first.locator(".alt")).to_have_attribute(
        "aria-label", f"Description of {market.images()[0]['image'].split('/')[-1]}"
    )
    photo(one, photos[0]).get_by_role("button", name="Delete").click()
    one.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(other.locator(".photo")).to_have_count(2)
    assert len(names(one)) == 2


def test_an_upload_in_one_tab_is_not_shown_as_interrupted_in_another(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    one = market.enter()
    held = hold_back_forms(one, market.bucket.server.endpoint_url)
    choose(one, photos[0])
    expect(one.locator(".phase")).to_have_text("0 %")
    other = market.enter(one.context)
    expect(other.locator("#interrupted")).to_be_hidden()
    assert held
    held.release()
    expect_recorded(one, 1)
    expect_recorded(other, 1)


def test_an_upload_of_a_closed_tab_is_shown_as_interrupted_in_the_other(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    one = market.enter()
    hold_back_forms(one, market.bucket.server.endpoint_url)
    choose(one, photos[0])
    expect(one.locator(".phase")).to_have_text("0 %")
    other = market.enter(one.context)
    expect(other.locator("#interrupted")).to_be_hidden()
    one.close()
    expect(other.locator("#interrupted-names")).to_contain_text(photos[0].name)


def test_without_broker_dev_the_page_asks_for_a_token(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market(dev=False)
    page = market.visit()
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    market.screenshot(page, "sign-in")
    page.keyboard.press("Escape")
    dialog.get_by_label("Token").fill("no token")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("This isn't a valid token.")
    dialog.get_by_label("Token").fill(token(1))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#app")).to_be_visible()
    choose(page, photos[0])
    expect_recorded(page, 1)
    page.reload()
    expect_recorded(page, 1)  # the tab still has the token


def test_sign_in_works_with_a_wrong_clock_and_without_browser_storage(
    open_market: OpenMarket,
) -> None:
    market = open_market(dev=False)
    context = market.browser.new_context()
    market.contexts.append(context)
    context.add_init_script(
        """
        const now = Date.now;
        Date.now = () => now() + 48 * 3600_000;
        const forbidden = () => { throw new DOMException("No.", "SecurityError"); };
        Object.defineProperty(globalThis, "sessionStorage", { get: forbidden });
        """
    )
    page = market.visit(context)
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token(1))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#app")).to_be_visible()


def test_report_24_a_user_with_any_subject_signs_in_and_saves_a_profile_photo(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    """The page cannot read the user's id from the token; the broker returns it."""
    market = open_market(dev=False)
    page = market.visit()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(token("auth0|ada"))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#app")).to_be_visible()
    page.get_by_role("button", name="Profile photo").click()
    page.locator("#avatar-file").set_input_files(photos[0])
    dialog = page.get_by_role("dialog", name="Profile photo")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Saved.")
    me = Client(market.app, token("auth0|ada")).get("/api/users/me/").get_json()
    assert me["avatar"].startswith(f"avatars/user_{me['id']}/")


def test_a_token_signed_with_another_secret_is_refused_and_asked_for_again(
    open_market: OpenMarket,
) -> None:
    market = open_market(dev=False)
    page = market.visit()
    forged = jwt.encode({"sub": "1", "exp": int(time.time()) + 600}, SECRET + "x", "HS256")
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.get_by_label("Token").fill(forged)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("The server didn't accept this token.")
    dialog.get_by_label("Token").fill(token(1))
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#app")).to_be_visible()


def test_when_the_token_expires_the_page_asks_for_a_new_one_and_the_upload_continues(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market(dev=False)
    market.app.config["JWT_DECODE_LEEWAY"] = 0
    page = market.visit()
    dialog = page.get_by_role("dialog", name="Sign in")
    ends = int(time.time()) + 4
    short = jwt.encode({"sub": "1", "exp": ends}, SECRET, "HS256")
    dialog.get_by_label("Token").fill(short)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#app")).to_be_visible()
    wait_until(page, lambda: time.time() > ends)
    choose(page, photos[0])
    expect(dialog).to_contain_text("Your session has expired.")
    another = jwt.encode({"sub": "2", "exp": int(time.time()) + 4 * 3600}, SECRET, "HS256")
    dialog.get_by_label("Token").fill(another)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("This token belongs to another user.")
    fresh = jwt.encode({"sub": "1", "exp": int(time.time()) + 4 * 3600}, SECRET, "HS256")
    dialog.get_by_label("Token").fill(fresh)
    dialog.get_by_role("button", name="Sign in").click()
    expect_recorded(page, 1)


def test_a_profile_photo_is_cropped_saved_and_removed(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    page = market.enter()
    page.get_by_role("button", name="Profile photo").click()
    dialog = page.get_by_role("dialog", name="Profile photo")
    page.locator("#avatar-file").set_input_files(photos[-1])
    expect(page.locator("#crop")).to_be_focused()
    whole = page.locator("#crop").evaluate("(canvas) => canvas.toDataURL()")
    rounds = page.locator(".round")
    expect(rounds).to_have_count(3)
    drawn = rounds.evaluate_all("(all) => all.map((one) => one.toDataURL())")
    dialog.get_by_label("Zoom").fill("2")
    page.locator("#crop").press("ArrowLeft")
    assert page.locator("#crop").evaluate("(canvas) => canvas.toDataURL()") != whole
    closer = rounds.evaluate_all("(all) => all.map((one) => one.toDataURL())")
    assert len({*drawn, *closer}) == 6  # the browser draws each size again
    radius = rounds.first.evaluate("(canvas) => getComputedStyle(canvas).borderRadius")
    assert radius == "50%"
    market.screenshot(page, "profile-photo")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Saved.")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    url = market.alice.get("/api/users/1/").get_json()["avatar_url"]
    expect(page.locator("#face")).to_have_attribute("src", url)
    saved = httpx.get(url)
    assert saved.headers["content-type"] == "image/jpeg"
    width = page.locator("#face").evaluate(
        "(image) => image.decode().then(() => image.naturalWidth)"
    )
    assert width == 512
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_contain_text("Removed.")
    assert market.alice.get("/api/users/1/").get_json()["avatar_url"] is None
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Profile photo")).to_be_focused()
