"""Uppy sends documents of an order, which are private, with the lines of docs/uppy.md."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Route

from broker.app import create_app
from broker.config import Settings
from broker.db import migrate
from broker.local.process import free_ports
from broker.storage import bucket_setup
from tests.e2e.live import served
from tests.e2e.uppy_page import bundle, page_of
from tests.http.files.private_files import PROFILES, download, owner_of
from tests.servers import installed_or_skip
from tests.servers.chromium import chromium
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

pytestmark = pytest.mark.matrix(part="walks")
UPLOAD = """async () => {
    for (const [name, size] of [["Größe 7.pdf", 1000], ["scan.pdf", 17 * 2 ** 20]])
        uppy.addFile({ name, type: "application/pdf", data: new Blob([new Uint8Array(size)]) });
    const { successful, failed } = await uppy.upload();
    return [failed.map((file) => file.error), successful.map((file) => file.meta.image)];
}"""


@pytest.mark.parametrize("version", ["v6", "v5"])
def test_documents_of_an_order_are_sent_in_one_form_and_in_parts(
    any_bucket: Bucket, tmp_path: Path, version: str
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    (port,) = free_ports(1)
    changes = {
        "database_url": f"sqlite:///{tmp_path / 'broker.db'}",
        "cors_origins": (f"http://localhost:{port}",),
        "inspection": "required",
        "profiles_file": tmp_path / "profiles.toml",
        **private_key(any_bucket),
    }
    settings = Settings(**{**any_bucket.settings.model_dump(), **changes})
    migrate.upgrade(settings.database_url)
    list(bucket_setup.apply(settings))
    app = create_app(settings)
    order = owner_of(app, "invoice", "A-1")
    with ExitStack() as stack:
        stack.callback(app.extensions["broker"].database.dispose)
        broker = f"http://127.0.0.1:{stack.enter_context(served(app))}"
        with installed_or_skip():
            script = bundle(version, tmp_path)
            browser = stack.enter_context(chromium())
        stack.enter_context(served(page_of(script), port))
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"http://localhost:{port}")

        def of_the_order(route: Route) -> None:
            route.continue_(url=f"{broker}{order.path}uppy_session/")

        # The recipe has the path of an ad. Only this path is different for other owners.
        page.route("**/api/ads/A-1/uppy_session/", of_the_order)
        tokens = {"broker": broker, "adId": "A-1", "tokens": [order.client.token]}
        page.evaluate("arguments => start(arguments)", tokens)
        failed, images = page.evaluate(UPLOAD)
        assert (failed, [image["image_url"] for image in images]) == ([], [None, None])
        found = {file["id"]: file for file in order.files()}
        assert sorted(found) == sorted(image["id"] for image in images)
        for image, size in zip(images, (1000, 17 * 2**20), strict=True):
            assert len(download(found[image["id"]]["url"]).content) == size
        page.close()
