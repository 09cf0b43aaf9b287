"""clients/js in Chromium with real S3 servers: single photos, batches and multipart uploads."""

import hashlib
import json

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


def test_several_photos_get_their_tickets_in_few_requests_and_keep_their_order(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    page = shop.visit()
    asked = requests_of(page)
    results = page.evaluate(
        """async () => {
            const numbers = Array.from({ length: 20 }, (_, n) => n + 1)
            // The first photos are the largest, so they arrive last.
            const files = numbers.map((n) => file(1e6 / n | 0, `${n}.jpg`, undefined, n))
            files.push(file(10, "x.svg", "image/svg+xml"))
            return await broker.uploadAll(files, { ad, each: (_, order) => ({ order }) })
        }"""
    )
    assert [one["status"] for one in results] == ["fulfilled"] * 20 + ["rejected"]
    assert [one["value"]["order"] for one in results[:20]] == list(range(20))
    assert shop.images() == [one["value"] for one in results[:20]]
    tickets = [one for one in asked if "upload_image" in one.url and one.method == "POST"]
    assert {one.url.split("/api")[1] for one in tickets} == {f"/ads/{shop.ad}/upload_images/"}
    files = [len(json.loads(one.post_data or "")["files"]) for one in tickets]
    assert files[0] == 1
    assert sum(files) == 20
    page.close()


def test_large_photos_are_sent_in_parts_as_many_at_once_as_there_are_slots(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    page = shop.visit()
    page.evaluate(
        """() => {
            let now = 0;
            globalThis.most = 0;
            const held = [];
            const send = XMLHttpRequest.prototype.send;
            XMLHttpRequest.prototype.send = function (body) {
                most = Math.max(most, ++now);
                this.addEventListener("load", () => now--);
                held.push(() => send.call(this, body));
                // The first ones wait for each other: a busy machine hashes slowly.
                if (most >= 4) for (const each of held.splice(0)) each();
            };
        }"""
    )
    result, other = page.evaluate(
        """async () => {
            const broker = new Broker({ baseUrl, token, concurrency: 4 });
            const photos = [file(22 * 2 ** 20), file(12 * 2 ** 20, "other.jpg")];
            return await Promise.all(photos.map((photo, order) =>
                outcome(broker.upload(photo, { ad, order, onProgress: watch }))));
        }"""
    )
    assert shop.images() == [result["image"], other["image"]], (result, other)
    content = httpx.get(result["image"]["image_url"]).content
    assert len(content) == 22 * MIB
    expected = page.evaluate(
        """async () => [...new Uint8Array(await crypto.subtle.digest("SHA-256",
            await file(22 * 2 ** 20).arrayBuffer()))]"""
    )
    assert list(hashlib.sha256(content).digest()) == expected
    assert page.evaluate("most") == 4
    page.close()
