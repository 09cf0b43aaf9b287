"""A shop: a real broker and S3 server, and a page on another origin in a browser."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select

from broker.app import create_app
from broker.config import Settings
from broker.db.models import Upload
from broker.local.process import free_ports
from broker.storage import bucket_setup
from tests.e2e.live import served
from tests.http.client import Client, token
from tests.js_client.js_page import SCRIPT, page_of
from tests.servers.browsers import requested_browser
from tests.servers.fixtures import Bucket, Buckets, lent_bucket

MIB = 1024**2


@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with requested_browser(request) as running:
        yield running


@dataclass
class Shop:
    """A seller, the addresses of broker and page, and the bucket."""

    app: Flask
    bucket: Bucket
    broker_url: str
    page_url: str
    alice: Client
    ad: int
    browser: Browser

    def images(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.alice.get(f"/api/ads/{self.ad}/").get_json()["images"]
        return found

    def uploads(self) -> list[Upload]:
        with self.app.extensions["broker"].database.session() as session:
            return list(session.scalars(select(Upload).order_by(Upload.id)))

    def begun(self) -> int:
        """Return the number of unfinished multipart uploads in the bucket."""
        client = boto3.Session().client("s3", endpoint_url=self.bucket.server.endpoint_url)
        keys = [row.key for row in self.uploads() if row.multipart_id is not None]
        found = (
            client.list_multipart_uploads(Bucket=self.bucket.name, Prefix=f"incoming/{key}")
            for key in keys
        )
        return sum(len(answer.get("Uploads", [])) for answer in found)

    def visit(self, context: BrowserContext | None = None) -> Page:
        """Open the page as a new visitor or in another tab, and sign in."""
        page = (context or self.browser).new_page()
        page.set_default_timeout(30_000)
        page.goto(self.page_url)
        self.sign_in(page)
        return page

    def sign_in(self, page: Page) -> None:
        page.evaluate(
            """({ baseUrl, token, ad }) => {
                Object.assign(globalThis, { ad, baseUrl, token });
                globalThis.broker = new Broker({ baseUrl, token });
            }""",
            {"baseUrl": self.broker_url, "token": self.alice.token, "ad": self.ad},
        )


OpenShop = Callable[..., Shop]


@pytest.fixture(params=["seaweedfs", pytest.param("minio", marks=pytest.mark.matrix(part="walks"))])
def any_bucket(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, buckets: Buckets
) -> Iterator[Bucket]:
    """Yield a bucket: on SeaweedFS now, and on MinIO in `make matrix`."""
    yield from lent_bucket(request, monkeypatch, buckets)


@pytest.fixture
def open_any_shop(
    any_bucket: Bucket, migrated_sqlite: Path, tmp_path: Path, browser: Browser
) -> Iterator[OpenShop]:
    """Return a function that opens a shop, for each S3 server."""
    shutil.copy(migrated_sqlite, tmp_path / "broker.db")
    with ExitStack() as stack:
        stack.callback(_close_pages, browser)
        yield lambda **changes: _open(stack, any_bucket, tmp_path, browser, **changes)


@pytest.fixture
def open_shop(
    s3_bucket: Bucket, migrated_sqlite: Path, tmp_path: Path, browser: Browser
) -> Iterator[OpenShop]:
    """Return a function that opens a shop with the embedded S3 server."""
    shutil.copy(migrated_sqlite, tmp_path / "broker.db")
    with ExitStack() as stack:
        stack.callback(_close_pages, browser)
        yield lambda **changes: _open(stack, s3_bucket, tmp_path, browser, **changes)


def _close_pages(browser: Browser) -> None:
    """Close what a test has opened, because all tests of the package use one browser."""
    for context in browser.contexts:
        context.close()


def _open(
    stack: ExitStack,
    bucket: Bucket,
    directory: Path,
    browser: Browser,
    script: str = SCRIPT,
    body: str = "",
    **changes: Any,
) -> Shop:
    (port,) = free_ports(1)
    page_url = f"http://localhost:{port}"
    changes = {
        "database_url": f"sqlite:///{directory / 'broker.db'}",
        "cors_origins": (page_url,),
        "part_size": 5 * MIB,
        "multipart_threshold": 8 * MIB,
        **changes,
    }
    settings = Settings(**{**bucket.settings.model_dump(), **changes})
    list(bucket_setup.apply(settings))
    app = create_app(settings)
    stack.callback(app.extensions["broker"].database.dispose)
    broker_url = f"http://127.0.0.1:{stack.enter_context(served(app))}"
    alice = Client(app, token(1))
    bucket_url = app.extensions["broker"].storage.presigner.bucket_url
    ad = alice.ad()
    script = script.replace("BROKER_URL", broker_url).replace("TOKEN", alice.token or "")
    page = page_of(broker_url, bucket_url, script.replace("AD_ID", str(ad)), body)
    stack.enter_context(served(page, port))
    return Shop(app, bucket, broker_url, page_url, alice, ad, browser)
