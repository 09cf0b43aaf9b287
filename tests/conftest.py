"""Fixtures for every test: real servers, and no credentials of the machine's own."""

import functools
import os

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


@pytest.fixture(autouse=True)
def no_outside_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own AWS profile, keys and settings out of the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BROKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
