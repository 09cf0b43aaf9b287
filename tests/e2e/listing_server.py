"""A fake bucket of any size that computes the answers to ListObjectsV2 and HEAD.

Real servers need minutes to store 100 000 objects. Requests go through boto3 and HTTP as with a
real server.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
MODIFIED = "2026-01-02T03:04:05.000Z"
ETAG = "9e107d9d372bb6826bd81d3542a419d6"
SIZE = 12345


def key_of(number: int) -> str:
    """Return the key of an object; keys sort like their numbers."""
    return f"media/ads/ad_1/photo-{number:09}_x7Kp2mQa.jpg"


@contextmanager
def listing_server(objects: int) -> Iterator[str]:
    """Serve a bucket with this many objects below `media/`; yield its endpoint URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            start = int(query.get("continuation-token", ["0"])[0])
            end = min(start + PAGE, objects) if query["prefix"] == ["media/"] else start
            contents = "".join(
                f"<Contents><Key>{key_of(number)}</Key><LastModified>{MODIFIED}</LastModified>"
                f"<ETag>&quot;{ETAG}&quot;</ETag><Size>{SIZE}</Size></Contents>"
                for number in range(start, end)
            )
            more = start < end < objects
            token = f"<NextContinuationToken>{end}</NextContinuationToken>" if more else ""
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>'
                '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
                "</ListBucketResult>"
            )
            self._answer(body.encode())

        def do_HEAD(self) -> None:
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) or SIZE))
            self.send_header("ETag", f'"{ETAG}"')
            self.send_header("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
