"""Fixtures for all tests: real servers, and none of the developer's credentials."""

import functools
import gc
import os
from collections.abc import Callable, Iterator

import botocore.hooks
import botocore.loaders
import pytest

pytest_plugins = [
    "pytester",
    "tests.canaries.plugin",
    "tests.servers.fixtures",
    "tests.http.fixtures",
]

# boto3 reads a megabyte of JSON for every session; load it once per process.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
_accepts_kwargs = functools.cache(botocore.hooks.accepts_kwargs)


def accepts_kwargs(handler: Callable[..., object]) -> bool:
    """Cache the signature check of each handler that a boto3 session registers."""
    # Cache the function of a method, so that the cache keeps no object of a test alive.
    return bool(_accepts_kwargs(getattr(handler, "__func__", handler)))


botocore.hooks.accepts_kwargs = accepts_kwargs


def pytest_collection_finish() -> None:
    """Exclude modules and collected tests from garbage collection.

    They stay in memory until the end, and each full collection would scan them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def report_unclosed_resources() -> Iterator[None]:
    """Collect garbage in the last teardown, so that xdist still reports ResourceWarnings."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def no_outside_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS profile, keys and settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BROKER_")):
            monkeypatch.delenv(name)
    # A test of inspection says so itself, because it needs a worker.
    monkeypatch.setenv("BROKER_INSPECTION", "off")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
