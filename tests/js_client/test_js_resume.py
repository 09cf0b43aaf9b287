"""clients/js: an interrupted upload is resumed with the missing parts."""

import re
import sys

import pytest
from playwright.sync_api import Page

from tests.js_client.conftest import MIB, OpenShop
from tests.js_client.test_js_uploads import requests_of
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket
from tests.servers.held_requests import HeldRequests, hold_back_a_part

LARGE = "file(16 * 2 ** 20)"  # four parts


def begin(page: Page, options: str = "") -> None:
    """Start to upload a large file, and wait until S3 has accepted a part.

    Bytes that the browser counts as sent may still be in a socket buffer.
    """
    with page.expect_response(lambda one: one.request.method == "PUT" and one.status == 200):
        page.evaluate(
            f"""() => {{
                globalThis.upload = broker.upload({LARGE}, {{ ad, {options} onProgress: watch }})
                globalThis.ended = outcome(upload)
            }}"""
        )


def number_of(url: str) -> int:
    return int(re.findall(r"[?&]partNumber=(\d+)", url)[0])


def parts_sent(page: Page) -> list[int]:
    """Collect the numbers of the parts that S3 accepts."""
    numbers: list[int] = []

    def finished(answer: object) -> None:
        url, method = answer.url, answer.request.method  # type: ignore[attr-defined]
        if method == "PUT" and answer.status == 200:  # type: ignore[attr-defined]
            numbers.append(number_of(url))

    page.on("response", finished)
    return numbers


def test_after_a_reload_only_the_missing_parts_are_sent(open_any_shop: OpenShop) -> None:
    shop = open_any_shop()
    page = shop.visit()
    held = hold_back_a_part(page)
    begin(page, 'altText: "side",')
    page.reload()
    held.release()
    shop.sign_in(page)
    (row,) = shop.uploads()
    (kept,) = page.evaluate("broker.resumable({ ad })")
    assert (kept["id"], kept["ad"], kept["name"]) == (str(row.id), shop.ad, "front view.jpg")
    arrived = shop.alice.get(f"/api/uploads/{row.id}/parts/").get_json()
    assert 3 in arrived["missing"]
    assert len(arrived["missing"]) < 4
    numbers = parts_sent(page)
    result = page.evaluate(f"outcome(broker.upload({LARGE}, {{ ad, altText: 'front' }}))")
    sys.stdout.write(
        f"{shop.bucket.name}: at the reload missing {arrived['missing']} of 4 parts; "
        f"sent after it {sorted(numbers)}; one upload, one image {result['image']['image']}\n"
    )
    # A part may have arrived although its connection was cut, if S3 had all its bytes.
    assert {3} <= set(numbers) <= set(arrived["missing"])
    assert shop.images() == [result["image"]], result
    assert result["image"]["alt_text"] == "front"
    assert len(shop.uploads()) == 1
    page.close()


def test_an_upload_is_resumed_by_its_id_only_with_its_own_file(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    held = HeldRequests(page, re.compile(r"/confirm/$"))
    page.evaluate(
        """async () => {
            broker.upload(file(5000), { ad, onProgress: watch })
            await sent(5000)
        }"""
    )
    page.reload()
    held.release()
    shop.sign_in(page)
    (kept,) = page.evaluate("broker.resumable()")
    other = page.evaluate(
        "id => outcome(broker.resume(id, file(5000, 'x.jpg', undefined, 8)))", kept["id"]
    )
    smaller = page.evaluate("id => outcome(broker.resume(id, file(4999)))", kept["id"])
    assert (other["code"], smaller["code"]) == ("file_mismatch", "file_mismatch")
    result = page.evaluate("id => outcome(broker.resume(id, file(5000)))", kept["id"])
    assert shop.images() == [result["image"]], result
    page.close()


def test_an_upload_of_another_device_is_resumed_by_its_id(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    hold_back_a_part(page)
    begin(page)
    page.close()
    (row,) = shop.uploads()
    page = shop.visit()
    assert page.evaluate("broker.resumable()") == []
    numbers = parts_sent(page)
    result = page.evaluate(f"id => outcome(broker.resume(id, {LARGE}))", str(row.id))
    assert shop.images() == [result["image"]], result
    assert 3 in numbers
    assert len(numbers) < 4
    page.close()


def test_a_paused_upload_continues_with_the_missing_parts(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    held = hold_back_a_part(page)
    begin(page)
    page.evaluate("upload.pause()")
    assert page.evaluate("upload.phase") == "paused"
    held.release()
    (row,) = shop.uploads()
    arrived = shop.alice.get(f"/api/uploads/{row.id}/parts/").get_json()
    asked = requests_of(page)
    result = page.evaluate("() => { upload.resume(); return ended }")
    assert shop.images() == [result["image"]], result
    again = {number_of(one.url) for one in asked if one.method == "PUT"}
    # A part may have arrived although its connection was cut, if S3 had all its bytes.
    assert {3} <= again <= set(arrived["missing"])
    assert len(arrived["missing"]) < 4
    page.close()


def test_an_upload_survives_cut_connections_and_an_hour_offline(
    open_shop: OpenShop, s3_bucket: Bucket
) -> None:
    # Connections drop after 1, 2 and 3 MiB. A part has 5 MiB.
    with cutting_proxy(s3_bucket.server.endpoint_url, [MIB, 2 * MIB, 3 * MIB]) as network:
        shop = open_shop(s3_public_url=network.url)
        page = shop.visit()
        page.evaluate(
            f"""async () => {{
                globalThis.ended = outcome(broker.upload({LARGE}, {{ ad, onProgress: watch }}))
                await sent()
            }}"""
        )
        page.context.set_offline(True)
        page.evaluate("until(() => events.some((one) => one.code === 'network'))")
        page.context.set_offline(False)
        result = page.evaluate("ended")
        assert [image["id"] for image in shop.images()] == [result["image"]["id"]], result
        assert network.cut > 0
        page.close()


@pytest.mark.parametrize("asked", ["upload_image", "upload_images"])
def test_a_ticket_request_whose_answer_was_lost_takes_no_second_slot(
    open_shop: OpenShop, asked: str
) -> None:
    shop = open_shop()
    page = shop.visit()
    lost = []

    def lose_the_first(route: object) -> None:
        if lost:
            return route.continue_()  # type: ignore[attr-defined, no-any-return]
        lost.append(route.fetch().status)  # type: ignore[attr-defined]
        return route.abort()  # type: ignore[attr-defined, no-any-return]

    page.route(re.compile(rf"/{asked}/$"), lose_the_first)
    call = {
        "upload_image": "broker.upload(file(900), { ad })",
        "upload_images": "broker.uploadAll([file(900)], { ad }).uploads[0]",
    }[asked]
    result = page.evaluate(f"outcome({call})")
    assert lost == [201]
    assert shop.images() == [result["image"]], result
    assert len(shop.uploads()) == 1
    page.close()
