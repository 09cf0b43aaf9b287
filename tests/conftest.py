"""Fixtures for all tests: real servers, and none of the developer's credentials."""

import gc
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from broker.telemetry import logs
from tests import once_per_process

pytest_plugins = [
    "pytester",
    "tests.canaries.plugin",
    "tests.chosen",
    "tests.servers.browsers",
    "tests.servers.fixtures",
    "tests.http.fixtures",
]
# What imports and collected tests create stays, so searching it for garbage is a loss.
gc.disable()
once_per_process.install()
# A shell ignores SIGINT for background jobs, and the programs under test would inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exclude modules and collected tests from garbage collection."""
    if "hypothesis" in sys.modules:
        from hypothesis.internal.entropy import deterministic_PRNG

        # Creates Hypothesis' random numbers. It then asks the collector who refers to them, which
        # it cannot answer after the freeze (seen on Python 3.14).
        with deterministic_PRNG():
            pass
    once_per_process.spare_from_collection()


def pytest_runtestloop() -> None:
    """Collect garbage from now on, also in the process that distributes the tests."""
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def report_unclosed_resources() -> Iterator[None]:
    """Collect garbage in the last teardown, so that xdist still reports ResourceWarnings."""
    yield
    gc.collect()


@pytest.fixture(scope="session", autouse=True)
def log_to_one_stream() -> None:
    """Let the broker log to the session's standard error, and not to that of some test.

    The first app would bind the log to the stream of that moment. A command that a test calls has
    one of its own, which is closed when it ends.
    """
    logs.configure()


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
