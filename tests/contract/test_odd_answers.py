"""Odd answers of proxies, overloaded servers and wrong addresses become the broker's own errors."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from broker.config import Settings
from broker.domain.errors import (
    MultipartNotFound,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)
from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import UploadedPart
from broker.local.process import free_ports
from broker.storage import circuit_breaker, factory
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
    """Sends the same answer to every request and counts the requests."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.asked = 0
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                odd.asked += 1
                self.send_response(odd.answer.status)
                body = b"" if self.command == "HEAD" else odd.answer.body
                for name, value in (
                    {"Content-Length": str(len(body))} | odd.answer.headers
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def odd() -> Iterator[OddServer]:
    running = OddServer()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


@pytest.fixture
def storage(odd: OddServer, monkeypatch: pytest.MonkeyPatch) -> S3Storage:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return storage_at(odd.server.server_port)


def storage_at(port: int) -> S3Storage:
    return s3_storage(
        Settings(
            database_url="sqlite://",
            s3_bucket="media-bucket",
            s3_endpoint_url=f"http://127.0.0.1:{port}",
            jwt_secret=SECRET,
        )
    )


@pytest.mark.parametrize("name", CALLS)
def test_a_redirect_is_a_refusal_and_not_followed(
    odd: OddServer, storage: S3Storage, name: str
) -> None:
    """For example, a proxy redirects http to https. boto3 would follow it forever."""
    odd.answer = Answer(301, {"Location": "https://127.0.0.1:9/"})
    with pytest.raises(StorageDenied):
        CALLS[name](storage)
    assert odd.asked == 1


@pytest.mark.parametrize("name", [name for name in CALLS if name != "head"])
def test_a_missing_bucket_is_a_refusal_and_not_a_missing_object(
    odd: OddServer, storage: S3Storage, name: str
) -> None:
    """Otherwise the outbox would treat the deletion as done."""
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchBucket</Code></Error>")
    with pytest.raises(StorageDenied):
        CALLS[name](storage)


@pytest.mark.parametrize("name", ["delete", "list", "create", "list_parts", "complete", "abort"])
def test_an_html_page_of_a_proxy_is_a_refusal(
    odd: OddServer, storage: S3Storage, name: str
) -> None:
    odd.answer = Answer(404, body=b"<html><title>404 Not Found</title></html>")
    with pytest.raises(StorageDenied):
        CALLS[name](storage)


def test_deleting_a_missing_key_succeeds_if_the_server_answers_404(
    odd: OddServer, storage: S3Storage
) -> None:
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    storage.delete("media/a.jpg")


@pytest.mark.parametrize("name", ["list", "list_parts", "copy", "create", "complete"])
def test_truncated_xml_is_no_answer(odd: OddServer, storage: S3Storage, name: str) -> None:
    odd.answer = Answer(body=b"<Result><Trunc")
    with pytest.raises(StorageUnavailable):
        CALLS[name](storage)


def test_a_head_without_required_headers_is_no_answer(odd: OddServer, storage: S3Storage) -> None:
    odd.answer = Answer(headers={"Content-Type": "text/html"})
    with pytest.raises(StorageUnavailable):
        storage.head("media/a.jpg")


@pytest.mark.parametrize("status", [413, 429, 503])
def test_no_thread_sleeps_for_the_retry_after_of_a_busy_server(
    odd: OddServer, storage: S3Storage, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A busy MinIO sends `Retry-After: 60`, which would block a thread for a minute."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    odd.answer = Answer(status, {"Retry-After": "60"})
    with pytest.raises(StorageError):
        storage.head("media/a.jpg")
    assert sum(slept) < 1
    assert odd.asked <= 2


def test_only_one_thread_waits_for_a_bucket_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise all threads of the API would wait, and none could serve /healthz."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(factory, "READ_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 3600.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        storage = storage_at(silent.getsockname()[1])
        for _ in range(5):
            with pytest.raises(StorageUnavailable):
                storage.head("media/a.jpg")
        silent.setblocking(False)
        assert len(list(accepted(silent))) == 2, "the first tried twice"


def accepted(silent: socket.socket) -> Iterator[None]:
    """Accept the waiting connections one by one."""
    while True:
        try:
            silent.accept()[0].close()
        except BlockingIOError:
            return
        yield


def test_a_bucket_that_refuses_connections_is_tried_by_all_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refusal costs no time, so the circuit breaker stays closed."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(factory, "READ_TIMEOUT_SECONDS", 0.05)
    (port,) = free_ports(1)
    storage = storage_at(port)
    with pytest.raises(StorageUnavailable):
        storage.head("media/a.jpg")
    with socket.create_server(("127.0.0.1", port)) as back:
        with pytest.raises(StorageUnavailable):
            storage.head("media/a.jpg")
        back.setblocking(False)
        assert len(list(accepted(back))) == 2


@pytest.mark.parametrize("name", ["list_parts", "complete"])
def test_report_14_no_such_key_after_the_end_of_a_multipart_upload(
    odd: OddServer, storage: S3Storage, name: str
) -> None:
    """Ceph and OpenStack Swift answer so after a completion or an abort."""
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    with pytest.raises(MultipartNotFound):
        CALLS[name](storage)


def test_report_14_an_abort_that_was_done_before_is_no_error(
    odd: OddServer, storage: S3Storage
) -> None:
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    CALLS["abort"](storage)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (
            "list",
            b"<ListBucketResult><Contents><Key>media/a.jpg</Key><Size>1</Size>"
            b"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>",
        ),
        (
            "list_parts",
            b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size></Part>"
            b"</ListPartsResult>",
        ),
        ("copy", b"<CopyObjectResult></CopyObjectResult>"),
    ],
)
def test_report_14_an_answer_without_an_etag_is_one_clear_error(
    odd: OddServer, storage: S3Storage, name: str, body: bytes
) -> None:
    odd.answer = Answer(body=body)
    with pytest.raises(StorageUnavailable, match="no ETag"):
        CALLS[name](storage)
