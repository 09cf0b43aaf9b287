"""A key for which the server does not answer occupies one thread at a time, and no other key's."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broker.domain.storage_errors import ObjectBusy, ObjectNotFound
from broker.storage import circuit_breaker, factory
from tests.contract.odd_server import storage_at

LOCKED = "incoming/ads/ad_1/locked.jpg"


@dataclass
class Locking:
    """A server that answers nothing for one key until it is released, and 404 for all others."""

    port: int = 0
    asked: int = 0
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def locking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Locking]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(factory, "READ_TIMEOUT_SECONDS", 0.2)
    found = Locking()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            if self.path.endswith(LOCKED):
                found.asked += 1
                found.released.wait(20)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    found.port = server.server_address[1]
    yield found
    found.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_one_thread_at_a_time_waits_for_a_key_that_is_locked(
    locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 3600.0)
    storage = storage_at(locking.port)
    for _ in range(5):
        with pytest.raises(ObjectBusy):
            storage.head(LOCKED)
        with pytest.raises(ObjectNotFound):
            storage.head("incoming/ads/ad_1/other.jpg")
    assert locking.asked == 2  # the first call tried twice


def test_a_key_answers_again_after_its_lock(
    locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0.0)
    storage = storage_at(locking.port)
    with pytest.raises(ObjectBusy):
        storage.head(LOCKED)
    locking.released.set()
    for _ in range(2):
        with pytest.raises(ObjectNotFound):
            storage.head(LOCKED)
