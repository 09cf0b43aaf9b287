"""Markets whose profiles are declared, and private files with a key that reads only them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from broker.config import Settings
from broker.domain.limits import Limits
from broker.domain.profiles import Profile
from tests.page.conftest import Market, OpenMarket
from tests.page.owners.shop import PDF, PROFILES
from tests.servers.fixtures import Bucket
from tests.servers.private_key import private_key

OpenShop = Callable[..., Market]


@pytest.fixture
def open_shop(
    open_market: OpenMarket, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> OpenShop:
    """Return a function that opens a market; profiles are added to those of the shop."""
    undeclared = Settings.limits.fget
    key = private_key(s3_bucket)
    private = {**key, "private_secret_access_key": SecretStr(key["private_secret_access_key"])}

    def open_shop(*more: Profile, **changes: object) -> Market:
        def limits(self: Settings) -> Limits:
            return replace(undeclared(self), declared=(*PROFILES, *more))

        monkeypatch.setattr(Settings, "limits", property(limits))
        return open_market(**private, **changes)

    return open_shop


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    path = tmp_path / "Rechnung 2026-11.pdf"
    path.write_bytes(PDF)
    return path
