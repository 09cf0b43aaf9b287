"""A bad network: a TCP proxy that cuts its first connections during a transfer.

A test can also take the network down, slow it down, or hold a request back, see `bad_network.py`.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tests.servers.bad_network import Network, drop

CHUNK = 64 * 1024


@contextlib.contextmanager
def cutting_proxy(
    endpoint_url: str, budgets: Sequence[int] = (), listener: socket.socket | None = None
) -> Iterator[Network]:
    """Listen at 127.0.0.1, and forward to a server.

    The n-th connection is cut after `budgets[n]` bytes. Another socket may listen instead, for
    example that of a host with a network of its own.
    """
    target = urlsplit(endpoint_url)
    network = Network(_budgets=list(budgets))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            budget, is_cut = network.connect(self.request), True
            try:
                if budget == 0:
                    drop(self.request)
                else:
                    is_cut = not self._forward(budget)
            finally:
                network.disconnect(self.request, is_cut=is_cut)

        def _forward(self, budget: int | None) -> bool:
            with socket.create_connection((target.hostname, target.port)) as upstream:
                back = threading.Thread(target=_receive, args=(upstream, self.request))
                back.start()
                is_whole = _send(self.request, upstream, network, budget)
                if not is_whole:
                    drop(self.request)
                    upstream.shutdown(socket.SHUT_RDWR)
                back.join()
            return is_whole

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def server_bind(self) -> None:
            if listener is not None:
                self.socket.close()
                self.socket = listener
                self.server_address = listener.getsockname()
                return
            # The buffers are small, so what a browser reports as sent has nearly arrived.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
            super().server_bind()

    with Server(("127.0.0.1", 0), Handler) as server:
        network.url = endpoint_url.replace(
            f"{target.hostname}:{target.port}", f"127.0.0.1:{server.server_address[1]}"
        )
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield network
        finally:
            network.mend()  # threads that hold something back can end
            server.shutdown()
            thread.join()


def _send(
    client: socket.socket, server: socket.socket, network: Network, budget: int | None
) -> bool:
    """Forward until the client ends; return False if the connection must be cut."""
    sent = 0
    with contextlib.suppress(OSError):
        while data := client.recv(CHUNK):
            if not network.passes(data):
                return False
            server.sendall(data)
            sent += len(data)
            if budget is not None and sent >= budget:
                return False
        server.shutdown(socket.SHUT_WR)
    return True


def _receive(server: socket.socket, client: socket.socket) -> None:
    """Forward the answers until the server ends."""
    with contextlib.suppress(OSError):
        while data := server.recv(CHUNK):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
