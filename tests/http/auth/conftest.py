"""An issuer with a JWKS URL, and key sets whose threads end with the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broker.api.auth.jwks import KeySet
from tests.http.auth.issuer import Issuer, running_issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(autouse=True)
def key_sets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[KeySet]]:
    """Yield the key sets that the test creates; stop their threads afterwards."""
    created: list[KeySet] = []
    original: Callable[..., None] = KeySet.__init__

    def record(self: KeySet, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        created.append(self)

    monkeypatch.setattr(KeySet, "__init__", record)
    yield created
    for keys in created:
        keys.stop()
