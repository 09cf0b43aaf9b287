"""Fixtures of the Python client's tests."""

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.client import JPEG
from tests.python_client.live import Live, live_broker
from tests.servers.fixtures import Bucket


@pytest.fixture
def live(s3_bucket: Bucket, tmp_path: Path) -> Iterator[Live]:
    """Serve a broker with the embedded S3 server."""
    with live_broker(s3_bucket, tmp_path) as broker:
        yield broker


@pytest.fixture
def live_anywhere(any_bucket: Bucket, tmp_path: Path) -> Iterator[Live]:
    """Serve a broker with each S3 server that enforces policies."""
    with live_broker(any_bucket, tmp_path) as broker:
        yield broker


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(JPEG)
    return path


Waiting = Callable[[float], None]
AsyncWaiting = Callable[[float], Coroutine[Any, Any, None]]


@pytest.fixture
def waits() -> list[float]:
    """Return the list of a client's waits, in seconds."""
    return []
