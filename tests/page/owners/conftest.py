"""Markets whose profiles are declared, and private files with a key that reads only them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.page.conftest import Market, OpenMarket
from tests.page.owners.shop import PDF, PROFILES
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

OpenShop = Callable[..., Market]


@pytest.fixture
def open_shop(open_market: OpenMarket, s3_bucket: Bucket, tmp_path: Path) -> OpenShop:
    """Return a function that opens a market. A text adds profiles, arguments change settings."""

    def open_shop(more: str = "", **changes: Any) -> Market:
        file = tmp_path / "profiles.toml"
        file.write_text(PROFILES + more)
        return open_market(profiles_file=file, **private_key(s3_bucket), **changes)

    return open_shop


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    path = tmp_path / "Rechnung 2026-11.pdf"
    path.write_bytes(PDF)
    return path
