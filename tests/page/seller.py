"""A seller's actions on the page."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.servers.held_requests import HeldRequests

UPLOAD_TIMEOUT_MS = 60_000  # enough for twenty photos on a busy machine


def drop(page: Page, files: Sequence[Path]) -> None:
    """Drop files on the page, as from a file manager."""
    expect(page.locator("#app")).to_be_visible()  # before, the page does not listen
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 400, "data": data})


def choose(page: Page, *files: Path) -> None:
    expect(page.locator("#app")).to_be_visible()
    page.locator("#files").set_input_files(list(files))


def photo(page: Page, name: str | Path) -> Locator:
    """Return a photo in the grid, found by its file name."""
    name = Path(name).name
    return page.locator(".photo").filter(
        has=page.get_by_role(
            "button", name=re.compile(rf"^Move photo \d+ of \d+, {re.escape(name)}$")
        )
    )


def names(page: Page) -> list[str]:
    """Return the names of the photos in the order in which they are shown."""
    labels = [grip.get_attribute("aria-label") or "" for grip in page.locator(".grip").all()]
    return [label.split(", ", 1)[1] for label in labels]


def expect_recorded(page: Page, count: int) -> None:
    expect(page.locator(".photo[data-state=recorded]")).to_have_count(
        count, timeout=UPLOAD_TIMEOUT_MS
    )
    expect(page.locator("#meter")).to_be_hidden()


def hold_back_forms(page: Page, bucket_url: str) -> HeldRequests:
    """Hold back all forms that are sent to the bucket."""
    return HeldRequests(page, f"{bucket_url}/**", "POST")


def noise(path: Path, size: int) -> Path:
    """Write a file of the given size that begins like a JPEG."""
    head = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    block = bytes(range(256)) * 4096
    with path.open("wb") as file:
        file.write(head)
        for at in range(len(head), size, len(block)):
            file.write(block[: min(len(block), size - at)])
    return path


def part_number(request: Any) -> int | None:
    found = re.search(r"[?&]partNumber=(\d+)", request.url)
    return int(found[1]) if found and request.method == "PUT" else None
