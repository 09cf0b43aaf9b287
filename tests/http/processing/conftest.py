"""The app of these tests requires inspection. The fixture `worker` processes its uploads."""

from collections.abc import Callable

import pytest
from flask import Flask


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="required")
