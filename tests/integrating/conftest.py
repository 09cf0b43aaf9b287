"""Shops in FastAPI and in Node, and the broker that they use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.e2e.live import served
from tests.http.client import Client, token
from tests.http.owners.granted import PROFILES
from tests.integrating.programs import EXPRESS, FASTAPI, Programs
from tests.integrating.shop import Shop


@pytest.fixture(scope="module", params=[FASTAPI, EXPRESS], ids=["fastapi", "node"])
def programs(request: pytest.FixtureRequest) -> Programs:
    found: Programs = request.param
    return found


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """Return a broker whose profiles have products, and which accepts only the shop's tokens."""
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(
        profiles_file=tmp_path / "profiles.toml",
        jwt_issuer="https://shop.example",
        jwt_audience="upload-broker",
    )


@pytest.fixture
def service(app: Flask) -> Client:
    claims = {"iss": "https://shop.example", "aud": "upload-broker"}
    return Client(app, token(900, role="service", **claims))


@pytest.fixture
def shop(app: Flask, programs: Programs, tmp_path: Path) -> Iterator[Shop]:
    """Yield a served shop without photos, and serve its broker."""
    folder = tmp_path / "shop"
    folder.mkdir()
    programs.write(folder)
    with served(app) as port:
        shop = Shop(programs, folder, broker_url=f"http://127.0.0.1:{port}")
        with shop.serving():
            yield shop


@pytest.fixture
def seller(app: Flask, shop: Shop) -> Client:
    """Return the seller's browser, with the token that the shop signs for it."""
    return Client(app, shop.call("GET", "/upload-token/product_image/42").text)
