"""Requests to the bucket that stop in the middle of their body until the test continues them."""

import socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

BOUNDARY = "slow-body-7f3a"
TIMEOUT_SECONDS = 60


class SlowBody:
    """A form or a PUT. Its headers and the first half of its body are sent at once.

    With `wait`, the body is sent when the server asks for it (100 Continue, RFC 9110), which it
    does after it has read and accepted the headers.
    """

    def __init__(self, ticket: dict[str, Any], data: bytes, *, wait: bool = False) -> None:
        upload = ticket["upload"]
        url = urlsplit(upload["url"])
        if upload["method"] == "POST":
            body = form_body(upload["fields"], data)
            headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        else:
            body, headers = data, upload["headers"]
        headers = {**headers, "Host": url.netloc, "Content-Length": str(len(body))}
        if wait:
            headers["Expect"] = "100-continue"
        target = f"{url.path}?{url.query}" if url.query else url.path
        lines = [f"{upload['method']} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
        middle = len(body) - len(data) // 2
        self._rest = body[middle:]
        self._socket = socket.create_connection(
            (url.hostname or "", url.port or 80), timeout=TIMEOUT_SECONDS
        )
        self._socket.sendall(head)
        if wait:
            answer = self._socket.recv(4096)
            assert answer == b"HTTP/1.1 100 Continue\r\n\r\n", answer
        self._socket.sendall(body[:middle])

    def finish(self) -> int:
        """Send the rest of the body; return the status of the answer."""
        self._socket.sendall(self._rest)
        # MinIO closes the connection before it has read the end of a form.
        with self._socket, self._socket.makefile("rb") as answer:
            return int(answer.readline().split()[1])

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def form_body(fields: dict[str, str], data: bytes) -> bytes:
    """Return a multipart/form-data body with the file last (RFC 7578)."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = 'Content-Disposition: form-data; name="file"; filename="x"'
    start = f"{''.join(parts)}--{BOUNDARY}\r\n{file}\r\n\r\n".encode()
    return start + data + f"\r\n--{BOUNDARY}--\r\n".encode()
