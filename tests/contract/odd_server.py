"""A server that sends one odd answer to every request, and a storage that uses it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from broker.config import Settings
from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.storage.factory import s3_storage
from broker.storage.s3 import S3Storage
from tests.servers.fixtures import SECRET

PART = UploadedPart(part_number=1, size=5, etag="e", checksum_sha256=None)
HEAD = ObjectHead(content_length=5, content_type="x", etag="e", checksum_sha256=None, metadata={})
CALLS: dict[str, Callable[[S3Storage], object]] = {
    "head": lambda storage: storage.head("media/a.jpg"),
    "delete": lambda storage: storage.delete("media/a.jpg"),
    "copy": lambda storage: storage.copy(
        "incoming/a.jpg", "media/a.jpg", source=HEAD, cache_control=""
    ),
    "list": lambda storage: list(storage.list_objects("media/")),
    "create": lambda storage: storage.multipart.create(
        "media/a.jpg", content_type="x", cache_control="x", upload_id="u", acl=None, sha256=True
    ),
    "list_parts": lambda storage: storage.multipart.list_parts("media/a.jpg", "m"),
    "complete": lambda storage: storage.multipart.complete("media/a.jpg", "m", [PART]),
    "abort": lambda storage: storage.multipart.abort("media/a.jpg", "m"),
    "check": lambda storage: storage.check(),
}


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class OddServer:
    """Sends the same answer to every request and counts the requests.

    `answers` has other answers by method and the first name in the query.
    """

    def __init__(self) -> None:
        self.answer = Answer()
        self.answers: dict[tuple[str, str], Answer] = {}
        self.asked = 0
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                if self.headers.get("Expect") == "100-continue":
                    # Otherwise boto3 waits a second before it sends the body.
                    self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                odd.asked += 1
                part = urlsplit(self.path).query.partition("=")[0]
                answer = odd.answers.get((self.command, part), odd.answer)
                self.send_response(answer.status)
                body = b"" if self.command == "HEAD" else answer.body
                for name, value in ({"Content-Length": str(len(body))} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def settings_at(port: int, **changes: str) -> Settings:
    return Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        s3_endpoint_url=f"http://127.0.0.1:{port}",
        jwt_secret=SECRET,
        **changes,
    )


def storage_at(port: int) -> S3Storage:
    return s3_storage(settings_at(port))
