"""A token issuer: an HTTP server that publishes keys, or is slow or unavailable."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

PATIENCE_SECONDS = 20


class Issuer:
    """An HTTP server that publishes keys and counts its requests.

    Attributes:
        answering: while this event is cleared, the server accepts requests but does not answer.
        body: an answer instead of the keys.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked = 0
        self.down = self.hangs_up = False
        self.answering = threading.Event()
        self.answering.set()
        self.body: bytes | None = None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                published = issuer.published()
                issuer.asked += 1
                issuer.answering.wait(PATIENCE_SECONDS)
                if issuer.hangs_up:
                    # Closes the connection with a reset, like a restarting proxy.
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                try:
                    self.send_response(503 if issuer.down else 200)
                    self.end_headers()
                    self.wfile.write(published)
                except OSError:
                    pass  # the broker did not wait

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def published(self) -> bytes:
        if self.body is not None:
            return self.body
        published = [
            json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid}
            for kid, key in self.keys.items()
        ]
        return json.dumps({"keys": published}).encode()

    def rotate(self, kid: str) -> None:
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def token(self, kid: str, **claims: Any) -> str:
        body = {"sub": "1", "exp": int(time.time()) + 60, **claims}
        return jwt.encode(body, self.keys[kid], "ES256", headers={"kid": kid})


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Start an issuer for one test."""
    running = Issuer()
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.answering.set()
        running.server.shutdown()
        thread.join()
        running.server.server_close()


def eventually(condition: Callable[[], Any]) -> Any:
    """Return the first true value of a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found
