"""clients/js in Chromium with a broker that inspects, and a worker."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from broker.domain.rejections import RejectionReason
from tests.http.worker import THUMBHASH, WIDTH, Worker, rejecting
from tests.js_client.conftest import OpenShop, Shop

START = """(options) => {
    globalThis.started = broker.upload(file(3000), { ad, onProgress: watch, ...options });
    globalThis.result = outcome(started);
}"""
IS_PROCESSED = "until(() => events.some((one) => one.phase === 'processing'))"


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop(inspection="required")


@pytest.fixture
def worker(shop: Shop, tmp_path: Path) -> Worker:
    directory = tmp_path / "worker"
    directory.mkdir()
    return Worker(shop.app, directory)


def start(page: Page, **options: object) -> None:
    """Start an upload, and wait until it is processed."""
    page.evaluate(START, options)
    page.evaluate(IS_PROCESSED)


def test_an_upload_resolves_to_the_published_image(shop: Shop, worker: Worker) -> None:
    page = shop.visit()
    start(page)
    assert shop.images() == []
    worker.run()
    assert [page.evaluate("result")["image"]] == shop.images()
    (image,) = shop.images()
    assert (image["width"], image["thumbhash"], len(image["variants"])) == (WIDTH, THUMBHASH, 2)
    assert page.evaluate("events.at(-1).phase") == "done"
    page.close()


@pytest.mark.matrix(part="inspection")
def test_an_upload_that_was_processed_before_a_reload_only_waits(
    shop: Shop, worker: Worker
) -> None:
    page = shop.visit()
    start(page)
    asked: list[str] = []
    page.reload()
    shop.sign_in(page)
    page.on("request", lambda one: asked.append(f"{one.method} {one.url}"))
    (left,) = page.evaluate("broker.resumable()")
    assert left["processing"]
    page.evaluate("(id) => { globalThis.ready = broker.whenReady(id); }", left["id"])
    start(page)
    worker.run()
    (image,) = shop.images()
    assert page.evaluate("result") == {"image": image}
    assert page.evaluate("ready") == image
    assert not [one for one in asked if "upload_image" in one or shop.bucket.name in one]
    page.close()


@pytest.mark.matrix(part="inspection")
def test_a_rejected_file_has_its_reason_and_takes_no_slot(shop: Shop, worker: Worker) -> None:
    worker.inspect = rejecting(RejectionReason.TYPE_MISMATCH)
    page = shop.visit()
    start(page)
    worker.run()
    result = page.evaluate("result")
    assert (result["code"], result["status"]) == ("upload_rejected", 422)
    assert page.evaluate("started.then(null, (error) => error.reason)") == "type_mismatch"
    assert page.evaluate("broker.resumable()") == []
    assert shop.images() == []
    page.close()


@pytest.mark.matrix(part="inspection")
def test_an_upload_is_cancelled_while_it_is_processed(shop: Shop, worker: Worker) -> None:
    page = shop.visit()
    start(page)
    assert page.evaluate("started.cancel()") is True
    assert worker.run() == []
    assert [row.state for row in shop.uploads()] == ["cancelled"]
    page.close()
