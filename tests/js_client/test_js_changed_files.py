"""clients/js: a file on disk whose modification time changes after it was chosen.

Chromium then refuses to read the file. Android's photo picker causes this.
"""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

from tests.js_client.conftest import MIB, OpenShop
from tests.page.waiting import wait_until
from tests.servers.held_requests import HeldRequests, hold_back_a_part

INPUT = '<input type="file" id="photo">'
UPLOAD = """() => {
    const [photo] = document.getElementById("photo").files;
    globalThis.ended = outcome(broker.upload(photo, { ad, onProgress: watch }));
}"""
# Chromium's error for a file that has changed on disk.
READ = """() => document.getElementById("photo").files[0].slice(0, 1).arrayBuffer().then(
    () => "readable", (error) => error.name)"""


def touch(page: Page, photo: Path) -> None:
    """Change the file's modification time, and wait until Chromium refuses to read the file."""
    os.utime(photo, (1_000_000_000, 1_000_000_000))
    assert page.evaluate(READ) == "NotReadableError"


def test_report_20_a_small_file_that_changes_its_time_before_it_is_sent_is_sent(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop(body=INPUT)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(bytes(range(256)) * 4 * 1024)
    page = shop.visit()
    page.set_input_files("#photo", photo)
    held = HeldRequests(page, re.compile(r"/upload_image/$"))
    with page.expect_request(re.compile(r"/upload_image/$")):
        page.evaluate(UPLOAD)
    touch(page, photo)
    wait_until(page, lambda: bool(held))
    held.release()
    result = page.evaluate("ended")
    assert shop.images() == [result["image"]], result
    page.close()


def test_report_20_a_large_file_that_changes_is_one_clear_error_and_is_resumed_when_chosen_again(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop(body=INPUT)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(bytes(range(256)) * (33 * MIB // 256) + b"end")
    page = shop.visit()
    page.set_input_files("#photo", photo)
    held = hold_back_a_part(page)
    page.evaluate(UPLOAD)
    page.evaluate(f"sent({10 * MIB})")
    touch(page, photo)
    wait_until(page, lambda: bool(held))
    held.abort()
    result = page.evaluate("ended")
    assert (result["code"], result["detail"]) == (
        "file_unreadable",
        "The file cannot be read. It may have been moved or changed since it was chosen. "
        "Choose it again.",
    )
    assert page.evaluate("events.filter((one) => one.phase === 'failed').length") == 1

    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "PUT" else None)
    page.set_input_files("#photo", photo)
    page.evaluate(UPLOAD)
    again = page.evaluate("ended")
    assert shop.images() == [again["image"]], again
    assert 0 < len(sent) <= 5  # of seven parts
    assert len(shop.uploads()) == 1
    page.close()
