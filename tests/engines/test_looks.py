"""In each engine: dark pages, phones, photos of iPhones; and that errors of a page are noticed."""

from pathlib import Path

import pyvips

from broker.inspection.inspect import inspect
from tests.engines.conftest import OpenMarket
from tests.engines.looks import expect_text, style, wait_until
from tests.engines.reports import MISBEHAVE
from tests.engines.visitor import expect_recorded, has_no_horizontal_scroll
from tests.http.worker import Worker
from tests.inspection.iphone import iphone_photo
from tests.page.accessibility import RULES
from tests.servers import installed_or_skip

PHONE = (390, 844)


def test_a_visitor_who_prefers_dark_gets_a_dark_page(
    open_market: OpenMarket, photos: list[Path], tmp_path: Path
) -> None:
    market = open_market()
    for number in range(16):  # the list gets a scrollbar
        market.alice.post("/api/ads/", {"title": f"Lamp {number}", "description": "", "price": "9"})
    tab = market.enter(dark=True)
    tab.choose("#files", *photos[:2])
    expect_recorded(tab, 2)
    market.screenshot(tab, "dark")
    assert style(tab, "body", "backgroundColor") == "rgb(23, 22, 19)"
    picture = tmp_path / "dark.png"
    tab.screenshot(picture)
    edge = "() => { const { right, top, height } = document.getElementById('listings')"
    right, top, height = tab.evaluate(
        edge + ".getBoundingClientRect(); return [right, top, height] }"
    )
    scrollbar = pyvips.Image.new_from_file(str(picture)).crop(
        int(right) - 16, int(top) + 4, 16, int(height) - 8
    )
    assert scrollbar.extract_band(0, n=3).avg() < 80


def test_on_a_phone_nothing_is_wider_than_the_screen(
    open_market: OpenMarket, photos: list[Path], axe: Path
) -> None:
    market = open_market()
    tab = market.enter()
    tab.resize(*PHONE)
    assert tab.evaluate("() => [innerWidth, innerHeight]") == list(PHONE)
    assert has_no_horizontal_scroll(tab)
    tab.choose("#files", *photos[:3])
    expect_recorded(tab, 3)
    assert has_no_horizontal_scroll(tab)
    market.screenshot(tab, "phone")
    tab.evaluate(f"() => {{ {axe.read_text()} }}")
    found = tab.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    assert len(found["passes"]) > 10
    assert [
        (one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]
    ] == []


def test_a_photo_of_an_iphone_is_shown_as_jpeg(open_market: OpenMarket, tmp_path: Path) -> None:
    with installed_or_skip():
        heic = iphone_photo(tmp_path / "IMG_0001.heic")
    market = open_market(inspection="required")
    directory = tmp_path / "worker"
    directory.mkdir()
    worker = Worker(market.app, directory, inspect=lambda request, **_: inspect(request))
    tab = market.enter()
    tab.choose("#files", heic)
    expect_text(tab, ".photo .phase", "Processing")
    assert worker.run() == ["published"]
    expect_recorded(tab, 1)
    (image,) = market.images()
    assert image["image_url"].endswith(".jpg")
    shown = """() => {
        const one = document.querySelector(".photo img.thumb");
        return [one.complete && one.naturalWidth > 0, one.currentSrc];
    }"""
    urls = [variant["url"] for variant in image["variants"]]
    wait_until(tab, lambda: tab.evaluate(shown)[0])
    assert tab.evaluate(shown)[1] in urls
    market.screenshot(tab, "iphone")


def test_errors_of_a_page_and_violations_of_its_policy_are_noticed(open_market: OpenMarket) -> None:
    market = open_market()
    tab = market.enter()
    tab.evaluate(
        """(src) => {
            const script = document.createElement("script");
            script.src = src;
            document.head.append(script);
        }""",
        MISBEHAVE,
    )
    wanted = ["not caught", "said", "not awaited", "img-src"]
    received = market.reports.received
    wait_until(tab, lambda: all(any(text in one for one in received) for text in wanted), received)
    market.expected += [*wanted, "tracker.example"]
