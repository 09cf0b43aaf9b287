"""Shops in FastAPI and in Node."""

from collections.abc import Iterator

import pytest

from tests.integrating.programs import EXPRESS, FASTAPI, Programs
from tests.integrating.shop import Shop


@pytest.fixture(scope="module", params=[FASTAPI, EXPRESS], ids=["fastapi", "node"])
def programs(request: pytest.FixtureRequest) -> Programs:
    found: Programs = request.param
    return found


@pytest.fixture(scope="module")
def shop(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Yield a shop that is served, for a module's tests. Its broker does not answer."""
    shop = Shop(programs, tmp_path_factory.mktemp("shop"))
    programs.write(shop.folder)
    with shop.serving():
        yield shop
