"""Read the status line and the headers of an HTTP/1.1 answer, with one time limit for all of it.

HTTP clients limit each wait for the socket, so a server that sends one byte a second would keep
them for hours. Here each wait gets the time that is left. An answer that ends within its headers is
an error: `http.client` would use the headers that have arrived.
"""

import re
import socket
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

# Of the answer and the informational ones before it, together.
HEADERS_MAX = 64 * 1024
CHUNK = 8192
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?(?:\r?\n|\Z)")


class BadAnswer(Exception):
    """What the server sent is not an HTTP/1.1 answer, or not all of one."""


@dataclass(frozen=True, kw_only=True)
class AnswerHead:
    """An answer without its body.

    Attributes:
        status: 200 to 599.
        fields: the lines of the headers.
        is_http_1_0: the server closes the connection if not told otherwise.
        rest: what has arrived after the headers.
    """

    status: int
    fields: bytes
    is_http_1_0: bool
    rest: bytes


def read_head(connection: socket.socket, end: float) -> AnswerHead:
    """Read until the end of the headers; skip informational answers.

    Args:
        connection: the request has been sent.
        end: when to give up, as `monotonic` counts.

    Raises:
        TimeoutError: the time is over.
        ConnectionError: the server closed the connection without an answer.
        BadAnswer: the answer is none, ends too early, or has more than HEADERS_MAX bytes.
    """
    received = b""
    size = 0
    while True:
        found = _END_OF_HEADERS.search(received)
        if found is None:
            if size > HEADERS_MAX:
                raise BadAnswer("too many headers")
            connection.settimeout(time_left(end))
            chunk = connection.recv(CHUNK)
            if not chunk and not received:
                raise ConnectionError("closed without an answer")
            if not chunk:
                raise BadAnswer("closed within the headers")
            received += chunk
            size += len(chunk)
            continue
        line = _STATUS_LINE.match(received)
        if line is None:
            raise BadAnswer("no status line")
        status = int(line[2])
        if status >= HTTPStatus.OK:
            return AnswerHead(
                status=status,
                fields=received[line.end() : found.start()],
                is_http_1_0=line[1] == b"0",
                rest=received[found.end() :],
            )
        received = received[found.end() :]


def parse_fields(fields: bytes) -> dict[str, str]:
    """Return the headers by name in lower case. The values of a repeated one are joined.

    Raises:
        BadAnswer: a line has no name, or continues the line before it (RFC 9112, 5.2).
    """
    headers: dict[str, str] = {}
    for line in fields.decode("latin-1").split("\n") if fields else ():
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name[0].isspace() or name[-1].isspace():
            raise BadAnswer("a header has no name")
        value = value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def time_left(end: float) -> float:
    """Return the seconds until `end`; raise TimeoutError if there are none."""
    left = end - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
