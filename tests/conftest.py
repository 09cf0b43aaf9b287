"""Fixtures for every test: real servers, and no credentials of the machine's own."""

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

# boto3 reads a megabyte of JSON anew for every session; here once a process.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
_accepts_kwargs = functools.cache(botocore.hooks.accepts_kwargs)


def accepts_kwargs(handler: Callable[..., object]) -> bool:
    """Look at the signature of each handler that a session registers once a process."""
    # Of a method its function, so that nothing that a test made is kept.
    return bool(_accepts_kwargs(getattr(handler, "__func__", handler)))


botocore.hooks.accepts_kwargs = accepts_kwargs


def pytest_collection_finish() -> None:
    """Keep the collector of garbage off what stays till the end: modules, and two thousand tests.

    Each full collection would go through all of it, for nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def what_was_not_closed_is_noticed() -> Iterator[None]:
    """Collect all garbage in the last test's teardown: later, xdist would not hear the warnings."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def no_outside_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS profile, keys and settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BROKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
