"""Send one webhook over HTTP/1.1, with one time limit for everything together.

HTTP clients limit each wait for the socket, so a receiver that sends one byte a second would keep
them for hours. Here each wait gets the time that is left. Only the status and the headers of the
answer are read, never its body. Redirects are not followed, and no proxy is used.
"""

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

LIMIT_SECONDS = 15.0
# Of the answer and the informational ones before it, together.
HEADERS_MAX = 64 * 1024
CHUNK = 4096
PORTS = {"http": 80, "https": 443}
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?(?:\r?\n|\Z)")


class NotDelivered(Exception):
    """There was no valid answer. `reason` is a stable word, for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = LIMIT_SECONDS
) -> int:
    """Send a body; return the status of the answer, 200 to 599.

    Looking up the host's name counts toward the time, but the resolver has its own time limit.

    Raises:
        NotDelivered: `timeout`, `unknown_host`, `tls`, `connection` or `bad_answer`.
    """
    end = monotonic() + seconds
    try:
        with _connect(url, end) as connection:
            connection.settimeout(_left(end))
            # The time limit of `sendall` is for all data together.
            connection.sendall(_request(url, body, headers))
            return _status(connection, end)
    except TimeoutError:
        raise NotDelivered("timeout") from None
    except ssl.SSLError:
        raise NotDelivered("tls") from None
    except (socket.gaierror, UnicodeError):
        raise NotDelivered("unknown_host") from None
    except OSError:
        raise NotDelivered("connection") from None


def _left(end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect(url: str, end: float) -> socket.socket:
    parts = urlsplit(url)
    host = str(parts.hostname)
    addresses = socket.getaddrinfo(host, parts.port or PORTS[parts.scheme], type=socket.SOCK_STREAM)
    connection = _connected(addresses, end)
    if parts.scheme == "http":
        return connection
    try:
        # The time limit of the handshake is for all its messages together.
        connection.settimeout(_left(end))
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _connected(addresses: Sequence[tuple[Any, ...]], end: float) -> socket.socket:
    """Connect to the first address that answers. Each gets its share of the time."""
    error: OSError = TimeoutError()
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(end) / (len(addresses) - tried))
            connection.connect(address)
        except OSError as failed:
            connection.close()
            error = failed
        else:
            return connection
    raise error


def _request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body


def _status(connection: socket.socket, end: float) -> int:
    """Read the headers of the answer; return its status. Informational answers are skipped."""
    received = b""
    size = 0
    while True:
        found = END_OF_HEADERS.search(received)
        if found is None:
            if size > HEADERS_MAX:
                raise NotDelivered("bad_answer")
            connection.settimeout(_left(end))
            chunk = connection.recv(CHUNK)
            if not chunk:
                raise NotDelivered("bad_answer" if received else "connection")
            received += chunk
            size += len(chunk)
            continue
        line = STATUS_LINE.match(received)
        if line is None:
            raise NotDelivered("bad_answer")
        status = int(line[1])
        if status >= HTTPStatus.OK:
            return status
        received = received[found.end() :]
