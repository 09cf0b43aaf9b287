"""In each engine: photos are chosen, paused, interrupted and sent again in a bad network."""

import re
from pathlib import Path

import httpx

from tests.engines.conftest import Market, OpenMarket
from tests.engines.facade import Tab
from tests.engines.looks import (
    expect_count,
    expect_hidden,
    expect_text,
    expect_visible,
    is_visible,
    text,
    value,
    wait_until,
)
from tests.engines.visitor import expect_recorded, photo
from tests.page.marketplace import MIB
from tests.page.seller import noise
from tests.servers.bad_network import Network

# What Chromium and Firefox log for a request without an answer; a page cannot prevent it.
NO_ANSWER = ["Failed to load resource: net::ERR_", "(Reason: CORS request did not succeed)"]


def expect_published(market: Market, files: list[Path]) -> None:
    """Check that the bucket has exactly the bytes of the files, in their order."""
    published = [httpx.get(image["image_url"]).content for image in market.images()]
    assert published == [file.read_bytes() for file in files]


def test_chosen_photos_are_uploaded_with_progress(
    open_market: OpenMarket, network: Network, photos: list[Path], tmp_path: Path
) -> None:
    market = open_market(s3_public_url=network.url)
    tab = market.enter()
    market.screenshot(tab, "empty")
    network.slow_down(MIB)
    large = noise(tmp_path / "large.jpg", 7 * MIB)  # one form, larger than all buffers on the way
    files = [*photos[-2:], large]
    tab.choose("#files", *files)
    expect_text(tab, "#meter-count", "of 3 photos")
    percent = re.compile(r"[1-9]\d? %")
    wait_until(tab, lambda: percent.fullmatch(text(tab, f"{photo(large)} .phase") or ""))
    assert 0 < value(tab, "#meter-bar") < 1
    expect_text(tab, "#meter-speed", "left")
    network.mend()
    expect_recorded(tab, 3)
    expect_text(tab, "#count", "3 of 20")
    expect_text(tab, "#said", "3 photos uploaded.")
    market.screenshot(tab, "uploaded")
    expect_published(market, files)
    tab.reload()
    expect_recorded(tab, 3)
    expect_shown(tab, 2)  # the large file is no picture


def expect_shown(tab: Tab, number: int) -> None:
    """Wait until the published photos are displayed."""
    function = """() => [...document.querySelectorAll(".photo img.thumb")].filter(
        (one) => one.complete && one.naturalWidth > 0 && one.getClientRects().length).length"""
    wait_until(tab, lambda: tab.evaluate(function) == number)


def test_an_upload_is_paused_and_resumed_and_another_is_cancelled(
    open_market: OpenMarket, network: Network, photos: list[Path]
) -> None:
    market = open_market(s3_public_url=network.url)
    tab = market.enter()
    network.hold(b"POST /")
    tab.choose("#files", *photos[-2:])
    first, second = (photo(file) for file in photos[-2:])
    for each in (first, second):
        expect_text(tab, f"{each} .phase", "%")
    # Hashing has a progress, too, and a photo that is cancelled then has no upload.
    wait_until(tab, lambda: len(market.uploads()) == 2)
    tab.click(f"{first} .pause")
    expect_text(tab, f"{first} .phase", "Paused")
    tab.click(f"{second} .cancel")
    expect_count(tab, ".photo", 1)
    expect_text(tab, "#meter-speed", "Paused")
    network.mend()
    tab.click(f"{first} .pause")
    expect_recorded(tab, 1)
    states = ["cancelled", "confirmed"]
    wait_until(tab, lambda: sorted(row.state for row in market.uploads()) == states)
    expect_published(market, photos[-2:-1])


def test_after_a_reload_only_the_missing_part_is_sent(
    open_market: OpenMarket, network: Network, tmp_path: Path
) -> None:
    market = open_market(s3_public_url=network.url)
    tab = market.enter()
    large = noise(tmp_path / "large.jpg", 11 * MIB)  # three parts
    network.hold(b"partNumber=2")
    tab.choose("#files", large)

    def missing() -> list[int]:
        rows = market.uploads()
        if not rows or rows[0].multipart_id is None:
            return []
        found: list[int] = market.alice.get(f"/api/uploads/{rows[0].id}/parts/").get_json()[
            "missing"
        ]
        return found

    wait_until(tab, lambda: missing() == [2])
    tab.reload()
    expect_text(tab, "#interrupted-title", "1 upload was interrupted")
    expect_text(tab, "#interrupted-names", "large.jpg")
    network.mend()
    sent = network.sent
    tab.choose("#files", large)
    expect_recorded(tab, 1)
    expect_hidden(tab, "#interrupted")
    assert 5 * MIB <= network.sent - sent < 6 * MIB
    assert len(market.uploads()) == 1
    expect_published(market, [large])


def test_uploads_continue_after_the_network_was_down(
    open_market: OpenMarket, network: Network, photos: list[Path]
) -> None:
    market = open_market(s3_public_url=network.url)
    market.expected += NO_ANSWER
    tab = market.enter()
    network.slow_down(MIB)
    tab.choose("#files", *photos[-4:])
    wait_until(tab, lambda: value(tab, "#meter-bar") > 0)
    network.take_down()
    phases = "() => [...document.querySelectorAll('.phase')].map((one) => one.textContent)"
    wait_until(tab, lambda: "Retrying" in tab.evaluate(phases))
    network.mend()
    expect_recorded(tab, 4)
    assert network.cut > 0
    assert len(market.uploads()) == 4
    expect_published(market, photos[-4:])


def test_a_file_of_an_unsupported_type_is_refused_with_a_clear_message(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    market = open_market()
    tab = market.enter()
    # The first ticket does not wait for the limits, so the API would refuse the type if it answers
    # before them. After an upload they are known.
    tab.choose("#files", photos[1])
    expect_recorded(tab, 1)
    notes = tmp_path / "notes.txt"
    notes.write_text("no photo")
    tab.choose("#files", notes, photos[0])
    failure = f"{photo(notes)} .failure"
    expect_visible(tab, failure)
    expect_text(tab, failure, "notes.txt: This file type isn't supported")
    expect_text(tab, failure, "Choose a JPEG, PNG, WebP, GIF, AVIF, HEIC or HEIF file.")
    assert not is_visible(tab, f"{failure} .again")
    expect_recorded(tab, 2)
    tab.click(f"{failure} .remove")
    expect_count(tab, ".photo", 2)
    assert len(market.uploads()) == 2
