"""clients/js in Chromium with real S3 servers: single photos, batches and multipart uploads."""

import hashlib

import httpx
import pytest
from playwright.sync_api import Page, Request

from tests.js_client.conftest import MIB, OpenShop


def requests_of(page: Page) -> list[Request]:
    """Collect the page's requests, without preflight requests."""
    asked: list[Request] = []
    page.on("request", lambda one: asked.append(one))
    return asked


def paths(asked: list[Request]) -> list[str]:
    return [f"{one.method} /api/{one.url.split('/api/')[1]}" for one in asked if "/api/" in one.url]


@pytest.mark.parametrize("any_bucket", ["seaweedfs", "minio"], indirect=True)
def test_a_photo_is_uploaded_with_progress(open_any_shop: OpenShop) -> None:
    shop = open_any_shop()
    page = shop.visit()
    result = page.evaluate(
        """async () => await outcome(broker.upload(file(3e6),
            { ad, altText: "front", order: 2, onProgress: watch }))"""
    )
    assert shop.images() == [result["image"]], result
    assert (result["image"]["alt_text"], result["image"]["order"]) == ("front", 2)
    assert len(httpx.get(result["image"]["image_url"]).content) == 3_000_000
    events = page.evaluate("events")
    assert {"hashing", "sending", "confirming", "done"} <= {one["phase"] for one in events}
    loaded = [one["loaded"] for one in events if one["phase"] == "sending"]
    assert loaded == sorted(loaded)
    assert loaded[-1] == 3_000_000
    assert page.evaluate("broker.resumable()") == []
    page.close()


def test_several_photos_get_their_tickets_in_one_request(open_any_shop: OpenShop) -> None:
    shop = open_any_shop()
    page = shop.visit()
    asked = requests_of(page)
    results = page.evaluate(
        """async () => {
            const files = [1, 2, 3, 4, 5].map((n) => file(1000 * n, `${n}.jpg`, undefined, n))
            files.push(file(10, "x.svg", "image/svg+xml"))
            return await broker.uploadAll(files, { ad, each: (_, order) => ({ order }) })
        }"""
    )
    assert [one["status"] for one in results] == ["fulfilled"] * 5 + ["rejected"]
    assert [one["value"]["order"] for one in results[:5]] == [0, 1, 2, 3, 4]
    assert shop.images() == [one["value"] for one in results[:5]]
    tickets = [path for path in paths(asked) if "upload_image" in path]
    assert tickets == [f"POST /api/ads/{shop.ad}/upload_images/"]
    page.close()


def test_a_large_photo_is_sent_in_parts_three_at_a_time(open_any_shop: OpenShop) -> None:
    shop = open_any_shop()
    page = shop.visit()
    page.evaluate(
        """() => {
            let now = 0;
            globalThis.most = 0;
            const send = XMLHttpRequest.prototype.send;
            XMLHttpRequest.prototype.send = function (body) {
                most = Math.max(most, ++now);
                this.addEventListener("load", () => now--);
                send.call(this, body);
            };
        }"""
    )
    result = page.evaluate("outcome(broker.upload(file(22 * 2 ** 20), { ad, onProgress: watch }))")
    assert shop.images() == [result["image"]], result
    content = httpx.get(result["image"]["image_url"]).content
    assert len(content) == 22 * MIB
    expected = page.evaluate(
        """async () => [...new Uint8Array(await crypto.subtle.digest("SHA-256",
            await file(22 * 2 ** 20).arrayBuffer()))]"""
    )
    assert list(hashlib.sha256(content).digest()) == expected
    assert page.evaluate("most") == 3
    page.close()
