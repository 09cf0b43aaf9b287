"""A fake broker and bucket. They accept any file and discard it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PART = 8 * 1024 * 1024
UPLOAD = "/api/uploads/1"
TIMES = {"expires_at": "2026-01-01T01:00:00Z", "server_time": "2026-01-01T00:00:00Z"}
IMAGE = {"id": 1, "image": "k", "image_url": "u", "alt_text": "", "order": 0}
IMAGE["created_at"] = "2026-01-01T00:00:00Z"


class _Server(ThreadingHTTPServer):
    size = 0
    received = 0
    url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/api/profiles/":
            return self._answer({"ad_image": {"multipart_threshold": 2 * PART}})
        count = -(-self.server.size // PART)
        missing = list(range(1, count + 1))
        self._answer({"part_size": PART, "part_count": count, "parts": [], "missing": missing})

    def do_POST(self) -> None:
        if self.path == "/bucket":
            return self._take(201)
        body: Any = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/upload_image/"):
            asked = json.loads(body)
            self.server.size = asked["size"]
            upload = {"method": asked["transport"].upper(), "url": f"{self.server.url}/bucket"}
            if upload["method"] == "POST":
                return self._answer(self._ticket({**upload, "fields": {"key": "k"}}))
            return self._answer(self._ticket({**upload, "headers": {}}))
        if self.path.endswith("/parts/"):
            numbers = [part["part_number"] for part in json.loads(body)["parts"]]
            return self._answer({"parts": [self._part(number) for number in numbers]})
        return self._answer(IMAGE)

    def do_PUT(self) -> None:
        self._take(200)

    def _ticket(self, upload: dict[str, Any]) -> dict[str, Any]:
        return {"id": "1", "key": "k", "upload": upload, **TIMES}

    def _part(self, number: int) -> dict[str, Any]:
        size = min(PART, self.server.size - (number - 1) * PART)
        url = f"{self.server.url}/bucket"
        return {"part_number": number, "url": url, "headers": {}, "size": size}

    def _take(self, status: int) -> None:
        left = int(self.headers["Content-Length"])
        while left and (data := self.rfile.read(min(left, 1024 * 1024))):
            left -= len(data)
            self.server.received += len(data)
        # By its ETag the client knows that S3 answered, and not a proxy.
        self._answer({}, status, ETag='"e"')

    def _answer(self, body: dict[str, Any], status: int = 200, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def discarding_server() -> Iterator[_Server]:
    """Serve until the block ends. `received` counts the bytes that were sent to the bucket."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
