"""The bad network of the tests does what it says."""

import http.client
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest

from tests.processes import await_true
from tests.servers.bad_network import Network
from tests.servers.cutting_proxy import cutting_proxy

BODY = b"x" * 400_000


@dataclass
class Served:
    """The network in front of a server, and the sizes that the server got."""

    network: Network
    sizes: list[int] = field(default_factory=list)

    def post(self, path: str) -> threading.Thread:
        def send() -> None:
            try:
                httpx.post(self.network.url + path, content=BODY, timeout=30)
            except httpx.HTTPError:
                return

        thread = threading.Thread(target=send)
        thread.start()
        return thread


@pytest.fixture
def served() -> Iterator[Served]:
    sizes: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sizes.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with cutting_proxy(f"http://127.0.0.1:{server.server_port}") as network:
            yield Served(network, sizes)
        server.shutdown()
        thread.join()


def test_only_requests_with_the_pattern_are_held_back_until_the_network_is_mended(
    served: Served,
) -> None:
    served.network.hold(b"/second")
    second = served.post("/second")
    served.post("/first").join()
    assert served.sizes == [len(BODY)]
    assert second.is_alive()
    served.network.mend()
    second.join()
    assert served.sizes == [len(BODY)] * 2


def test_a_network_that_is_down_cuts_what_is_open_and_what_is_new(served: Served) -> None:
    served.network.hold(b"/")
    first = served.post("/")
    host = urlsplit(served.network.url)
    idle = http.client.HTTPConnection(host.hostname or "", host.port)
    idle.connect()
    served.network.take_down()
    first.join()
    served.post("/").join()
    await_true(lambda: served.network.cut == 3)
    assert (served.sizes, served.network.sent) == ([], 0)
    idle.close()
    served.network.mend()
    served.post("/").join()
    assert served.sizes == [len(BODY)]


def test_a_slow_network_takes_its_time_for_all_requests_together(served: Served) -> None:
    served.network.slow_down(2_000_000)
    start = time.monotonic()
    for thread in [served.post("/") for _ in range(3)]:
        thread.join()
    assert time.monotonic() - start >= 3 * len(BODY) / 2_000_000
    assert served.sizes == [len(BODY)] * 3
    assert served.network.sent > 3 * len(BODY)
