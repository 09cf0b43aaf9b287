"""clients/js: refused, cancelled and expired uploads."""

import re

from playwright.sync_api import Page, Route

from broker.domain.states import UploadState
from tests.http.client import token
from tests.js_client.conftest import MIB, OpenShop, Shop
from tests.js_client.test_js_uploads import paths, requests_of
from tests.servers.held_requests import hold_back_a_part

LARGE = "file(16 * 2 ** 20)"


def answer_once(page: Page, shop: Shop, status: int, code: str, message: str) -> None:
    """Replace S3's first answer to a form by this error."""
    answered = []

    def handle(route: Route) -> None:
        if answered or route.request.method != "POST":
            return route.continue_()
        answered.append(route)
        body = (
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        )
        headers = {"Access-Control-Allow-Origin": shop.page_url}
        return route.fulfill(status=status, headers=headers, body=body, content_type="text/xml")

    page.route(f"{shop.bucket.server.endpoint_url}/**", handle)


def test_wrong_type_and_size_are_refused_before_a_ticket_is_requested(open_shop: OpenShop) -> None:
    shop = open_shop(max_image_bytes=2000)
    page = shop.visit()
    # A page's first photo does not wait for the limits.
    assert page.evaluate("outcome(broker.upload(file(900), { ad }))")["image"]
    asked = requests_of(page)
    svg, large = page.evaluate(
        """() => Promise.all([broker.upload(file(9, "x.svg", "image/svg+xml"), { ad }),
                              broker.upload(file(2001), { ad })].map(outcome))"""
    )
    assert paths(asked) == []
    assert (svg["code"], svg["status"], svg["typed"]) == ("validation_error", 422, True)
    declared = {"file_name": "x.svg", "content_type": "image/svg+xml", "size": 9}
    said = shop.alice.post(
        f"/api/ads/{shop.ad}/upload_image/",
        {**declared, "checksum_sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="},
    ).get_json()
    assert (svg["detail"], svg["errors"]) == (said["detail"], said["errors"])
    assert large["errors"] == {"size": ["Must be from 1 to 2000 bytes."]}
    page.close()


def test_an_expired_form_is_renewed_for_the_same_upload(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    answer_once(page, shop, 403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    asked = requests_of(page)
    result = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    assert shop.images() == [result["image"]], result
    (row,) = shop.uploads()
    assert f"POST /api/uploads/{row.id}/renew/" in paths(asked)
    assert row.failures == 0
    page.close()


def test_s3s_refusal_is_reported_and_the_brokers_advice_followed(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    answer_once(page, shop, 400, "BadDigest", "The digest &amp; the bytes differ.")
    result = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    assert shop.images() == [result["image"]], result
    assert [row.failures for row in shop.uploads()] == [1]
    page.close()


def test_a_final_refusal_by_s3_releases_the_slot(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    answer_once(page, shop, 403, "SignatureDoesNotMatch", "No.")
    result = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    assert (result["code"], result["s3Code"]) == ("s3_refused", "SignatureDoesNotMatch")
    assert [row.state for row in shop.uploads()] == [UploadState.CANCELLED]
    assert page.evaluate("broker.resumable()") == []
    page.close()


def test_a_busy_s3_is_retried(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    answer_once(page, shop, 503, "SlowDown", "Reduce your request rate.")
    result = page.evaluate("outcome(broker.upload(file(900), { ad, onProgress: watch }))")
    assert shop.images() == [result["image"]], result
    assert page.evaluate(
        "events.filter((one) => one.phase === 'waiting').map((one) => one.code)"
    ) == ["gave_up"]
    page.close()


def test_cancelling_an_upload_leaves_no_parts(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    hold_back_a_part(page)
    page.evaluate(
        f"""async () => {{
            globalThis.abort = new AbortController()
            const {{ signal }} = abort
            globalThis.upload = broker.upload({LARGE}, {{ ad, onProgress: watch, signal }})
            globalThis.ended = outcome(upload)
            await sent({5 * MIB})
        }}"""
    )
    assert shop.begun() == 1
    result = page.evaluate("() => { abort.abort(); return ended }")
    assert (result["code"], page.evaluate("upload.phase")) == ("aborted", "cancelled")
    assert shop.begun() == 0
    assert [row.state for row in shop.uploads()] == [UploadState.CANCELLED]
    assert page.evaluate("broker.resumable()") == []
    assert page.evaluate("upload.cancel()") is False
    page.close()


def test_cancelling_during_the_ticket_request_cancels_the_ticket(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    first = []

    def never_answer_the_first(route: Route) -> None:
        if first:
            return route.continue_()
        first.append(route)
        route.fetch()
        return None

    page.route(re.compile(r"/upload_image/$"), never_answer_the_first)
    with page.expect_request(re.compile(r"/upload_image/$")):
        page.evaluate("() => { globalThis.upload = broker.upload(file(900), { ad }) }")
    assert page.evaluate("upload.cancel()") is True
    assert [row.state for row in shop.uploads()] == [UploadState.CANCELLED]
    page.close()


def test_an_expired_token_is_replaced(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    result = page.evaluate(
        """async (old) => {
            const tokens = [old, token]
            const renewing = new Broker({ baseUrl, token: async () => tokens.shift() })
            return await outcome(renewing.upload(file(900), { ad }))
        }""",
        token(1, exp=1),
    )
    assert shop.images() == [result["image"]], result
    page.close()


def test_an_avatar_is_set_for_the_user(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    result = page.evaluate("outcome(broker.upload(file(900), { user: 1, transport: 'put' }))")
    assert shop.alice.get("/api/users/1/").get_json()["avatar"] == result["image"]["image"], result
    page.close()


def test_two_concurrent_uploads_of_one_file_give_two_images(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    page.evaluate("() => Promise.all([1, 2].map(() => broker.upload(file(900), { ad })))")
    assert len({image["id"] for image in shop.images()}) == 2
    page.close()
