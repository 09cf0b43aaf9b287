"""Send HEAD requests to the bucket's server, over connections that stay open or through a proxy.

Without a proxy, a request needs a quarter of urllib3's CPU and has one time limit for its whole
answer. So a server that sends it byte by byte occupies a thread no longer than one that sends
nothing. Through a proxy, urllib3 sends the request and limits each wait for the socket.
"""

import os
import select
import socket
import ssl
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import urllib3
from botocore.httpsession import get_cert_path
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from broker.domain.default_ports import DEFAULT_PORTS
from broker.storage.http_head import BadAnswer, parse_fields, read_head
from broker.storage.proxies import proxy_for


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Time limits in seconds.

    Attributes:
        connect: for each address of the server, or of the proxy.
        answer: for the TLS handshake, and then again for the answer.
    """

    connect: float
    answer: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a HEAD; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


class Connections(Protocol):
    """Connections to the bucket's server, for any number of threads."""

    def head(self, path: str, headers: Mapping[str, str], *, fresh: bool) -> Answer:
        """Send one HEAD. With `fresh`, use no connection that another request has used.

        Raises:
            TimeoutError: the server did not connect or answer in time.
            OSError: it cannot be reached, or closed the connection.
            BadAnswer: the answer is not one of HTTP, or not complete.
        """


def connections_to(
    bucket_url: str, *, timeouts: Timeouts, ca_bundle: str | None, most: int
) -> Connections:
    """Create the connections; none is opened yet.

    Args:
        bucket_url: where the broker reaches the bucket.
        timeouts: those of each request.
        ca_bundle: the file of certificates to trust; None: those of boto3.
        most: how many connections to a proxy are kept.
    """
    base = urlsplit(bucket_url)
    proxy = proxy_for(bucket_url)
    trusted = ca_bundle or str(get_cert_path(True))
    if proxy:
        limit = urllib3.Timeout(connect=timeouts.connect, read=timeouts.answer)
        manager = urllib3.ProxyManager(
            proxy.url,
            proxy_headers=proxy.headers,
            ca_certs=trusted,
            timeout=limit,
            maxsize=most,
            retries=False,
        )
        return _Proxied(f"{base.scheme}://{base.netloc}", manager)
    return _Direct(base, timeouts, trusted)


class _Direct:
    """Connections that stay open between requests, never more than threads used at once."""

    def __init__(self, base: SplitResult, timeouts: Timeouts, trusted: str) -> None:
        self._host = str(base.hostname)
        self._port = base.port or DEFAULT_PORTS[base.scheme]
        self._has_tls = base.scheme == "https"
        self._timeouts = timeouts
        self._trusted = trusted
        self._idle: list[socket.socket] = []
        self._process = os.getpid()
        weakref.finalize(self, _close, self._idle)

    def head(self, path: str, headers: Mapping[str, str], *, fresh: bool) -> Answer:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        request = f"HEAD {path} HTTP/1.1\r\n{lines}\r\n".encode("ascii")
        connection = (None if fresh else self._kept()) or self._open()
        try:
            end = monotonic() + self._timeouts.answer
            connection.settimeout(self._timeouts.answer)
            connection.sendall(request)
            head = read_head(connection, end)
            fields = parse_fields(head.fields)
        except BaseException:
            connection.close()
            raise
        # The answer to a HEAD has no body. Bytes that follow would be taken for the next answer.
        # `_kept` sees those in the socket, but not those of a record that TLS has already read.
        is_followed = head.rest or (isinstance(connection, ssl.SSLSocket) and connection.pending())
        if is_followed or head.is_http_1_0 or "close" in fields.get("connection", "").lower():
            connection.close()
        else:
            self._idle.append(connection)
        return Answer(status=head.status, headers=fields)

    def _kept(self) -> socket.socket | None:
        """Return an idle connection that the server has not closed; None if there is none."""
        if self._process != os.getpid():
            # The parent process uses them. This closes only the copies of a forked child. Until
            # they are closed, other threads must come here, too.
            _close(self._idle)
            self._process = os.getpid()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            waiting = select.poll()
            waiting.register(connection, select.POLLIN)
            if not waiting.poll(0):
                return connection
            connection.close()
        return None

    def _open(self) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), self._timeouts.connect)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._has_tls:
                # The time limit of the handshake is for all its messages together.
                connection.settimeout(self._timeouts.answer)
                return self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._trusted)


def _close(connections: list[socket.socket]) -> None:
    with suppress(IndexError):
        while True:
            connections.pop().close()


class _Proxied:
    """Connections through the proxy that the environment names for the bucket's URL."""

    def __init__(self, origin: str, manager: urllib3.ProxyManager) -> None:
        self._origin = origin
        self._manager = manager

    def head(self, path: str, headers: Mapping[str, str], *, fresh: bool) -> Answer:
        if fresh:
            self._manager.clear()
        try:
            answer = self._manager.request(
                "HEAD", f"{self._origin}{path}", headers=headers, redirect=False
            )
        except HTTPError as error:
            cause = getattr(error, "original_error", error)
            # urllib3's NewConnectionError is a TimeoutError, too. A refusal costs no time.
            if isinstance(cause, Urllib3Timeout) and not isinstance(cause, NewConnectionError):
                raise TimeoutError(str(error)) from error
            raise BadAnswer(str(error)) from error
        found = {name.lower(): str(answer.headers.get(name)) for name in answer.headers}
        return Answer(status=answer.status, headers=found)
