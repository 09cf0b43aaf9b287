"""clients/js: no upload fails because the browser cannot store its record."""

import re

import pytest
from playwright.sync_api import Page, Route

from tests.js_client.conftest import OpenShop, Shop

LOST = "new DOMException('Connection to Indexed Database server lost', 'UnknownError')"
# Ways in which a browser's storage can fail.
BROKEN = {
    "full": """IDBObjectStore.prototype.put = () => {
        throw new DOMException('full', 'QuotaExceededError')
    }""",
    "full at the commit": """{
        const put = IDBObjectStore.prototype.put
        IDBObjectStore.prototype.put = function (record) {
            const request = put.call(this, record)
            request.addEventListener('success', () => this.transaction.abort())
            return request
        }
    }""",
    "lost at a deletion": f"IDBObjectStore.prototype.delete = () => {{ throw {LOST} }}",
    "lost at once": f"IDBDatabase.prototype.transaction = () => {{ throw {LOST} }}",
    "closed": """{
        const transaction = IDBDatabase.prototype.transaction
        IDBDatabase.prototype.transaction = function (...given) {
            const begun = transaction.apply(this, given)
            this.close()
            return begun
        }
    }""",
    "missing": """IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError')
    }""",
    "blocked": """LockManager.prototype.request = LockManager.prototype.query =
        async () => { throw new DOMException('denied', 'SecurityError') }""",
}


def unconfirmed(page: Page) -> None:
    """Answer the first confirm with a final refusal."""

    def refuse(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*"}
        body = {"code": "storage_denied", "detail": "No."}
        route.fulfill(status=503, headers=headers, json=body)

    page.route(re.compile(r"/confirm/$"), refuse, times=1)


def assert_one_image(shop: Shop, result: dict[str, object]) -> None:
    assert shop.images() == [result.get("image")], result
    assert len(shop.uploads()) == 1


@pytest.mark.parametrize("how", BROKEN)
def test_an_upload_succeeds_with_a_broken_storage(open_shop: OpenShop, how: str) -> None:
    shop = open_shop()
    page = shop.visit()
    page.evaluate(f"() => {{ {BROKEN[how]} }}")
    unconfirmed(page)
    failed = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    assert (failed.get("typed"), failed.get("code")) == (True, "storage_denied"), failed
    assert len(page.evaluate("broker.resumable({ ad })")) == 1
    # The page keeps the record in memory. Another Broker of the page uses it, too.
    result = page.evaluate(
        """async () => {
            globalThis.broker = new Broker({ baseUrl, token })
            return await outcome(broker.upload(file(900), { ad }))
        }"""
    )
    assert_one_image(shop, result)
    assert page.evaluate("broker.resumable({ ad })") == []
    page.close()


def test_a_lost_database_connection_is_reopened_and_the_record_is_kept(open_shop: OpenShop) -> None:
    shop = open_shop()
    page = shop.visit()
    page.evaluate(
        f"""() => {{
            const put = IDBObjectStore.prototype.put
            IDBObjectStore.prototype.put = () => {{
                IDBObjectStore.prototype.put = put
                throw {LOST}
            }}
        }}"""
    )
    first = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    page.reload()
    shop.sign_in(page)
    assert page.evaluate("outcome(broker.upload(file(900), { ad }))") == first
    assert_one_image(shop, first)
    page.close()


@pytest.mark.parametrize("who", ["the browser", "the page"])
def test_records_that_the_browser_cleared_are_remembered(open_shop: OpenShop, who: str) -> None:
    shop = open_shop()
    page = shop.visit()
    unconfirmed(page)
    page.evaluate("outcome(broker.upload(file(900), { ad }))")
    if who == "the browser":
        session = page.context.new_cdp_session(page)
        clear = {"origin": shop.page_url, "storageTypes": "indexeddb"}
        session.send("Storage.clearDataForOrigin", clear)
    else:
        page.evaluate(
            """() => new Promise((resolve, reject) => {
                const deleting = indexedDB.deleteDatabase("upload-broker")
                deleting.onsuccess = resolve
                deleting.onblocked = deleting.onerror = reject
            })"""
        )
    assert len(page.evaluate("broker.resumable({ ad })")) == 1
    result = page.evaluate("outcome(broker.upload(file(900), { ad }))")
    assert_one_image(shop, result)
    page.close()
