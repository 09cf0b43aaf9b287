"""Send requests one after the other over a persistent connection."""

import http.client
import json
from typing import Any, Self
from urllib.parse import urlsplit

from benchmarks.load.wrk import LoadFailed


class Client:
    """A connection to one server. Raises LoadFailed for any answer except 2xx and 304."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Send one request; return the body of its answer."""
        self._connection.request(method, path, body=body, headers=headers or {})
        answer = self._connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300 and answer.status != 304:
            raise LoadFailed(f"{method} {path}: {answer.status} {content[:400]!r}")
        return content

    def entity_tag(self, path: str) -> str:
        """Return the ETag of a path; raise LoadFailed unless it answers 304 to this tag."""
        found: list[tuple[int, str | None]] = []
        headers: dict[str, str] = {}
        for _ in range(2):
            self._connection.request("GET", path, headers=headers)
            answer = self._connection.getresponse()
            answer.read()
            found.append((answer.status, answer.headers["ETag"]))
            headers = {"If-None-Match": str(found[0][1])}
        (first, tag), (second, _) = found
        if (first, second) != (200, 304) or tag is None:
            raise LoadFailed(f"GET {path}: {first} with ETag {tag}, then {second}")
        return tag

    def send_raw(self, request: bytes) -> bytes:
        """Send a raw request."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _version = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        return self.send(method, path, body or None, headers)

    def json(
        self, method: str, path: str, *, token: str | None = None, body: object | None = None
    ) -> Any:
        """Send JSON; return the JSON of the answer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        content = json.dumps(body).encode() if body is not None else None
        return json.loads(self.send(method, path, content, headers) or b"null")


def form(fields: dict[str, str], file: bytes) -> tuple[bytes, str]:
    """Return the bytes and the content type of a multipart form, the file last."""
    boundary = "----photo5c2f8e1d9b"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    end = f"\r\n--{boundary}--\r\n"
    return "".join(
        parts
    ).encode() + file + end.encode(), f"multipart/form-data; boundary={boundary}"


def path_of(url: str) -> str:
    """Return the path and query of a URL."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
