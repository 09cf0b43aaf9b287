"""Apps with declared profiles."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.http.owners.granted import BY_TOKEN, PROFILES


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """Return an app with three declared profiles; ads and avatars are in our tables."""
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(profiles_file=tmp_path / "profiles.toml")


@pytest.fixture
def by_token(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """Return an app whose ads and users are in another system."""
    (tmp_path / "by_token.toml").write_text(BY_TOKEN)
    return make_app(profiles_file=tmp_path / "by_token.toml")
