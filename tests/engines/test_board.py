"""In each engine: photos are reordered, deleted, dropped, pasted; the profile photo; two tabs."""

from pathlib import Path

import httpx
import pyvips

from tests.engines.conftest import Market, OpenMarket
from tests.engines.facade import Tab
from tests.engines.looks import (
    attributes,
    expect_count,
    expect_text,
    expect_visible,
    is_focused,
    is_visible,
    wait_until,
)
from tests.engines.visitor import expect_recorded, names, photo


def three(market: Market, photos: list[Path]) -> Tab:
    tab = market.enter()
    tab.choose("#files", *photos[:3])
    expect_recorded(tab, 3)
    return tab


def keys_in_order(market: Market) -> list[str]:
    return [image["image"] for image in market.images()]


def is_saved(market: Market, keys: list[str]) -> bool:
    """Check the order, and that no change of it is still to be sent: the page sends one a photo."""
    found = market.images()
    return [(one["image"], one["order"]) for one in found] == list(zip(keys, range(3), strict=True))


def test_photos_are_reordered_by_keyboard(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    tab = three(market, photos)
    first, second, third = keys_in_order(market)
    grip = f"{photo(photos[2])} .grip"
    tab.press(grip, "ArrowLeft")
    expect_text(tab, "#said", f"{photos[2].name} is now photo 2 of 3.")
    tab.press(grip, "Home")
    expect_text(tab, "#said", f"{photos[2].name} is now photo 1 of 3.")
    assert is_focused(tab, grip)
    assert names(tab) == [photos[2].name, photos[0].name, photos[1].name]
    wait_until(tab, lambda: is_saved(market, [third, first, second]))
    star = f"{photo(photos[1])} .star"
    tab.click(star)
    # Safari does not focus a button that is clicked, but the page does so after a move.
    wait_until(tab, lambda: is_focused(tab, star))
    wait_until(tab, lambda: is_saved(market, [second, third, first]))
    tab.reload()
    expect_recorded(tab, 3)
    assert names(tab) == [key.split("/")[-1] for key in (second, third, first)]


def test_a_photo_is_deleted_after_confirmation(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    tab = three(market, photos)
    delete = f"{photo(photos[1])} .delete"
    tab.click(delete)
    expect_visible(tab, "#sure")
    tab.press("#sure", "Escape")
    wait_until(tab, lambda: not is_visible(tab, "#sure"))
    assert is_focused(tab, delete)
    tab.click(delete)
    tab.click("#sure-ok")
    expect_count(tab, ".photo", 2)
    wait_until(tab, lambda: is_focused(tab, f"{photo(photos[2])} .grip"))
    expect_text(tab, "#count", "2 of 20")
    assert len(market.images()) == 2


def test_a_profile_photo_is_cropped_saved_and_removed(
    open_market: OpenMarket, photos: list[Path]
) -> None:
    market = open_market()
    tab = market.enter()
    tab.click("#account")
    tab.choose("#avatar-file", photos[-1])
    expect_visible(tab, "#avatar-save")
    assert is_focused(tab, "#crop")
    drawn = "() => document.getElementById('crop').toDataURL()"
    drawings = {tab.evaluate(drawn)}
    for control, key in (("#zoom", "End"), ("#crop", "ArrowLeft")):
        tab.press(control, key)
        drawings.add(tab.evaluate(drawn))
    assert len(drawings) == 3
    market.screenshot(tab, "avatar")
    tab.click("#avatar-save")
    expect_text(tab, "#avatar-state", "Saved.")
    saved = httpx.get(market.alice.get("/api/users/1/").get_json()["avatar_url"])
    assert saved.headers["content-type"] == "image/jpeg"
    picture = pyvips.Image.jpegload_buffer(saved.content)
    assert (picture.width, picture.height) == (512, 512)
    shown = "() => document.getElementById('face').naturalWidth"
    wait_until(tab, lambda: tab.evaluate(shown) == 512)
    tab.click("#avatar-remove")
    expect_text(tab, "#avatar-state", "Removed.")
    assert market.alice.get("/api/users/1/").get_json()["avatar_url"] is None


def test_two_tabs_show_the_same_listing(open_market: OpenMarket, photos: list[Path]) -> None:
    market = open_market()
    one = market.enter()
    one.choose("#files", photos[0])
    expect_recorded(one, 1)
    other = one.another()
    expect_recorded(other, 1)
    other.choose("#files", photos[1])
    expect_recorded(other, 2)
    expect_recorded(one, 2)
    before = keys_in_order(market)
    one.click(".photo:nth-child(2) .star")
    wait_until(one, lambda: keys_in_order(market) == before[::-1])
    name = before[1].split("/")[-1]  # the other tab has the second photo's file, and keeps its name
    first = ".photo:first-child .alt"
    labels = {f"Description of {one}" for one in (name, photos[1].name)}
    wait_until(other, lambda: attributes(other, first, "aria-label")[0] in labels)
    other.click(".photo:first-child .delete")
    other.click("#sure-ok")
    expect_count(one, ".photo", 1)
    other.close()
    assert len(market.images()) == 1


def test_photos_are_dropped_and_pasted(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    market = open_market()
    tab = market.enter()
    tab.drop(*photos[:2])
    expect_recorded(tab, 2)
    assert names(tab) == [file.name for file in photos[:2]]
    copied = tmp_path / "image.png"
    pyvips.Image.black(320, 240).pngsave(str(copied))
    tab.paste("#photos", copied)
    expect_recorded(tab, 3)
    assert [Path(key).suffix for key in keys_in_order(market)] == [".jpg", ".jpg", ".png"]
