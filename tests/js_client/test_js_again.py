"""clients/js: photos that are chosen again are not sent or recorded twice."""

import re

import httpx

from tests.js_client.conftest import OpenShop
from tests.js_client.test_js_uploads import paths, requests_of
from tests.servers.held_requests import HeldRequests

PHOTOS = "[1, 2, 3, 4, 5].map((n) => file(1000 * n, `${n}.jpg`, undefined, n))"


def test_all_photos_can_be_chosen_again_after_a_reload_without_duplicates(
    open_shop: OpenShop,
) -> None:
    shop = open_shop()
    page = shop.visit()
    bucket_url = f"{shop.bucket.server.endpoint_url}/**"
    held = HeldRequests(page, bucket_url, "POST", after=2)
    page.evaluate(
        f"""async () => {{
            const {{ uploads }} = broker.uploadAll({PHOTOS}, {{ ad }})
            let done = 0
            for (const one of uploads) one.then(() => done++)
            await until(() => done === 2)
        }}"""
    )
    before = {image["id"] for image in shop.images()}
    page.reload()
    held.release()
    shop.sign_in(page)
    assert len(page.evaluate("broker.resumable({ ad })")) == 3
    results = page.evaluate(
        f"async () => await broker.uploadAll({PHOTOS}, {{ ad, each: (_, order) => ({{ order }}) }})"
    )
    assert [one["status"] for one in results] == ["fulfilled"] * 5
    assert [one["value"] for one in results] == shop.images()
    assert before <= {image["id"] for image in shop.images()}
    assert len(shop.uploads()) == 5
    asked = requests_of(page)
    again = page.evaluate(f"async () => await broker.uploadAll({PHOTOS}, {{ ad }})")
    assert [one["value"] for one in again] == shop.images()
    assert all(path.endswith("/confirm/") for path in paths(asked))
    page.close()


def test_a_multipart_photo_that_is_chosen_again_is_only_confirmed(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    first = page.evaluate("outcome(broker.upload(file(12 * 2 ** 20), { ad }))")
    page.reload()
    shop.sign_in(page)
    asked = requests_of(page)
    assert page.evaluate("outcome(broker.upload(file(12 * 2 ** 20), { ad }))") == first
    (row,) = shop.uploads()
    assert paths(asked) == ["GET /api/profiles/", f"POST /api/uploads/{row.id}/confirm/"]
    page.close()


def test_a_photo_that_was_deleted_is_uploaded_again(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    first = page.evaluate("outcome(broker.upload(file(900), { ad, altText: 'old' }))")["image"]
    shop.alice.call("DELETE", f"/api/ads/{shop.ad}/images/{first['id']}/")
    second = page.evaluate("outcome(broker.upload(file(900), { ad }))")["image"]
    assert shop.images() == [second]
    assert second["alt_text"] == ""
    assert len(shop.uploads()) == 2
    page.close()


def test_again_uploads_the_same_photo_as_a_new_image(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    page.evaluate("outcome(broker.upload(file(900), { ad }))")
    page.evaluate("outcome(broker.upload(file(900), { ad, again: true }))")
    assert len({image["id"] for image in shop.images()}) == 2
    page.close()


def test_an_earlier_avatar_can_be_set_again(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    for seed in (1, 2, 1, 1):
        result = page.evaluate(
            "seed => outcome(broker.upload(file(900, 'me.jpg', undefined, seed), { user: 1 }))",
            seed,
        )
        avatar = shop.alice.get("/api/users/1/").get_json()["avatar_url"]
        assert avatar == result["image"]["image_url"]
        expected = page.evaluate(
            "async seed => [...await file(900, 'me.jpg', undefined, seed).bytes()]", seed
        )
        assert list(httpx.get(avatar).content) == expected
    assert len(shop.uploads()) == 3
    page.close()


def test_one_photo_twice_in_a_batch_and_in_two_tabs_is_uploaded(open_shop: OpenShop) -> None:
    shop = open_shop()
    context = shop.browser.new_context()
    page, other = shop.visit(context), shop.visit(context)
    held = HeldRequests(page, re.compile(r"/confirm/$"))
    twice = "broker.uploadAll([file(900), file(900)], { ad, onProgress: watch })"
    page.evaluate(
        f"""async () => {{
            globalThis.ended = {twice}.then((ends) => ends)
            await until(() => events.filter((one) => one.phase === "confirming").length === 2)
        }}"""
    )
    assert len(other.evaluate(f"async () => await {twice}")) == 2
    held.release()
    page.reload()
    shop.sign_in(page)
    results = page.evaluate(f"async () => await {twice}")
    assert [one["status"] for one in results] == ["fulfilled", "fulfilled"]
    assert len({one["value"]["id"] for one in results}) == 2
    assert len(shop.uploads()) == len({image["id"] for image in shop.images()}) == 4
    context.close()
