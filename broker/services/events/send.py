"""Send one webhook over HTTP/1.1, with one time limit for everything together.

Each wait gets the time that is left; see `storage/http_head.py`. The body of the answer is not
read. Redirects are not followed, and no proxy is used.
"""

import socket
import ssl
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from broker.domain.default_ports import DEFAULT_PORTS
from broker.storage.http_head import BadAnswer, read_head, time_left

LIMIT_SECONDS = 15.0


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
            connection.settimeout(time_left(end))
            # The time limit of `sendall` is for all data together.
            connection.sendall(_request(url, body, headers))
            return read_head(connection, end).status
    except TimeoutError:
        raise NotDelivered("timeout") from None
    except BadAnswer:
        raise NotDelivered("bad_answer") from None
    except ssl.SSLError:
        raise NotDelivered("tls") from None
    except (socket.gaierror, UnicodeError):
        raise NotDelivered("unknown_host") from None
    except OSError:
        raise NotDelivered("connection") from None


def _connect(url: str, end: float) -> socket.socket:
    parts = urlsplit(url)
    host = str(parts.hostname)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connection = _connected(addresses, end)
    if parts.scheme == "http":
        return connection
    try:
        # The time limit of the handshake is for all its messages together.
        connection.settimeout(time_left(end))
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
            connection.settimeout(time_left(end) / (len(addresses) - tried))
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
