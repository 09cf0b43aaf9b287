"""nginx as a CDN in front of the API: owners and strangers share URLs, but never a copy."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask

from tests.e2e.live import served
from tests.http.client import Client, token
from tests.servers import installed_or_skip
from tests.servers.nginx import nginx

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPERATIONS = Path(__file__).parent.parent.parent / "docs/operations"
SITE = (OPERATIONS / "nginx-api-cache.conf").read_text()
# A CDN that relies on Vary and Cache-Control alone.
WITHOUT_BYPASS = re.sub(r".*\$http_authorization;\n", "", SITE)
OWNER = {"Authorization": f"Bearer {token(1)}"}
STRANGER = {"Authorization": f"Bearer {token(2)}"}
ALICE = "user1@example.com"


@pytest.fixture
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask]) -> Flask:
    """Return an app whose answers nginx may show for a minute, or for the test's seconds."""
    return make_app(public_max_age=getattr(request, "param", 60))


@pytest.fixture(params=[SITE, WITHOUT_BYPASS], ids=["recipe", "without bypass"])
def cdn(request: pytest.FixtureRequest, app: Flask, tmp_path: Path) -> Iterator[httpx.Client]:
    """Yield a client of nginx in front of the app. X-Cache says whether nginx had the answer."""
    site = request.param.replace("/var/cache/nginx/api", str(tmp_path / "cache"))
    site = site.replace("127.0.0.1:8000", "127.0.0.1:9000")
    site = site.replace("location / {", "location / { add_header X-Cache $upstream_cache_status;")
    with (
        installed_or_skip(),
        served(app) as port,
        nginx(site, f"http://127.0.0.1:{port}", "unused") as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


def cached(answer: httpx.Response) -> bool:
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Cache"] == "HIT"


def test_owner_and_stranger_never_get_the_copy_of_the_other(app: Flask, cdn: httpx.Client) -> None:
    path = f"/api/ads/{Client(app, token(1)).ad()}/"
    for _ in range(2):
        # The first of each pair fills the cache, if anything does.
        for headers, sees_email in ((OWNER, True), ({}, False), (STRANGER, False), (OWNER, True)):
            answer = cdn.get(path, headers=headers)
            assert (ALICE in answer.text) == sees_email
            assert not (headers and cached(answer))
            assert answer.headers["Cache-Control"].startswith("private" if headers else "public")
    assert cached(cdn.get(path))
    assert cached(cdn.head(path))
    refused = cdn.get(path, headers={"Authorization": "Bearer x"})
    assert (refused.status_code, refused.headers["Cache-Control"]) == (401, "private, no-store")
    again = cdn.get(path, headers={"If-None-Match": cdn.get(path).headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("app", [1], indirect=True)
def test_a_change_is_seen_after_the_seconds_of_the_setting(app: Flask, cdn: httpx.Client) -> None:
    owner = Client(app, token(1))
    path = f"/api/ads/{owner.ad()}/"
    assert "A bicycle" in cdn.get(path).text
    owner.delete(path)
    deadline = time.monotonic() + 10
    while (answer := cdn.get(path)).status_code == 200:
        assert time.monotonic() < deadline
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")
