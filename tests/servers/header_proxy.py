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
    rewrite: Rewrite | None = None,
    **changed: str,
) -> Iterator[str]:
    """Forward to an S3 server; replace headers (`_` stands for `-`) and statuses of its answers.

    `rewrite` replaces statuses and bodies, to play the recorded answers of another server.
    `before_answer` is called after the server has answered and before the client gets the answer.
    Requests are forwarded unchanged, including Host, so that their signatures stay valid.
    """
    target = urlsplit(endpoint_url).netloc
    headers = {name.replace("_", "-"): value for name, value in changed.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
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
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
