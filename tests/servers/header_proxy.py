"""A proxy that changes an S3 server's answers, like a CDN, a wrong clock or another server."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Takes method, path with query, status and body of an answer; returns status and body.
Rewrite = Callable[[str, str, int, bytes], tuple[int, bytes]]
HOP_BY_HOP = ("transfer-encoding", "connection", "content-length")


@contextlib.contextmanager
def header_proxy(
    endpoint_url: str,
    statuses: Mapping[int, int] | None = None,
    before_answer: Callable[[], None] = lambda: None,
    answered: Callable[[str, str], int | None] = lambda _method, _path: None,
    dropped: str | None = None,
    rewrite: Rewrite | None = None,
    own_body: bytes = b"",
    **changed: str,
) -> Iterator[str]:
    """Forward to an S3 server; replace headers (`_` stands for `-`) and statuses of its answers.

    `rewrite` replaces statuses and bodies, to play the recorded answers of another server.

    `answered` returns the status of a request's answer, or None to forward the request. The body of
    this answer is `own_body`. Headers that begin with `dropped` (lower case) are left out.
    `before_answer` is called after the server has answered and before the client gets the answer.
    Requests are forwarded unchanged, including Host, so that their signatures stay valid.
    """
    target = urlsplit(endpoint_url).netloc
    headers = {name.replace("_", "-"): value for name, value in changed.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if (own := answered(self.command, self.path)) is not None:
                self.send_response_only(own)
                for name, value in {**headers, "Content-Length": str(len(own_body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(own_body)
                return
            with contextlib.closing(http.client.HTTPConnection(target, timeout=20)) as upstream:
                upstream.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                answer = upstream.getresponse()
                data = answer.read()
            before_answer()
            status = (statuses or {}).get(answer.status, answer.status)
            if rewrite is not None:
                status, data = rewrite(self.command, self.path, status, data)
            self.send_response_only(status)
            replaced = {name.lower() for name in headers}
            for name, value in answer.getheaders():
                if dropped is not None and name.lower().startswith(dropped):
                    continue
                if name.lower() not in (*HOP_BY_HOP, *replaced):
                    self.send_header(name, value)
            for name, value in headers.items():
                self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = forward

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def refusing(
    endpoint_url: str, method: str, status: int, *parts: str
) -> Iterator[tuple[str, list[str]]]:
    """Refuse a method for paths that contain one of the parts.

    Yields the URL, and the paths of all requests with this method.
    """
    asked: list[str] = []

    def answered(sent: str, path: str) -> int | None:
        if sent != method:
            return None
        asked.append(path)
        return status if any(part in path for part in parts) else None

    with header_proxy(endpoint_url, answered=answered) as url:
        yield url, asked
