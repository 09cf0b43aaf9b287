"""Ads with images that were really uploaded and processed, for a page that shows them."""

import base64
import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import requests
from benchmarks.bench import Bench
from benchmarks.field.shop import Shop
from benchmarks.load.client import Client, form, path_of
from benchmarks.load.wrk import LoadFailed

LOOK_SECONDS = 0.2
SECONDS_PER_IMAGE = 10
USER = 1


@contextlib.contextmanager
def ads(
    bench: Bench, running: Shop, photos: Sequence[Path], *, count: int, images: int
) -> Iterator[None]:
    """Create ads with images, the newest ones of the database. They are deleted at the end."""
    token = bench.tokens.of_user(USER)
    files = [path.read_bytes() for path in photos]
    digests = [base64.b64encode(hashlib.sha256(file).digest()).decode() for file in files]
    created: list[int] = []
    try:
        with Client(running.broker.port) as api, Client(bench.seaweedfs.port) as s3:
            for number in range(count):
                body = {"title": f"Bicycle {number + 1}", "price": "120.00"}
                ad = api.json("POST", "/api/ads/", token=token, body=body)["id"]
                created.append(ad)
                for order in range(images):
                    # The first images of the ads are different photos.
                    which = (number + order) % len(files)
                    declared = requests.declared(len(files[which]), digests[which], order=order)
                    _upload(api, s3, token, ad, declared, files[which])
            _await_images(api, created, images)
        yield
    finally:
        with Client(running.broker.port) as api:
            for ad in created:
                api.send("DELETE", f"/api/ads/{ad}/", headers={"Authorization": f"Bearer {token}"})


def _upload(
    api: Client, s3: Client, token: str, ad: int, declared: dict[str, Any], file: bytes
) -> None:
    ticket = api.json("POST", f"/api/ads/{ad}/upload_image/", token=token, body=declared)
    body, content_type = form(ticket["upload"]["fields"], file)
    s3.send("POST", path_of(ticket["upload"]["url"]), body, {"Content-Type": content_type})
    api.json("POST", ticket["confirm_url"], token=token)


def _await_images(api: Client, created: Sequence[int], images: int) -> None:
    deadline = time.monotonic() + SECONDS_PER_IMAGE * len(created) * images
    for ad in created:
        while len(api.json("GET", f"/api/ads/{ad}/")["images"]) < images:
            if time.monotonic() > deadline:
                raise LoadFailed(f"ad {ad} still has no {images} images")
            time.sleep(LOOK_SECONDS)
