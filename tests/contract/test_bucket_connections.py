"""HEAD over kept connections: closed, silent, slow and broken servers, and TLS."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from broker.domain.storage_errors import StorageUnavailable
from broker.storage import factory
from broker.storage.bucket_connections import Timeouts, connections_to
from broker.storage.http_head import CHUNK, HEADERS_MAX, BadAnswer
from tests.contract.odd_server import storage_at
from tests.contract.raw_server import FOUND, HEADERS, Raw, found_always, raw, to
from tests.servers.tls_proxy import self_signed


def test_requests_share_one_connection() -> None:
    with raw(found_always) as server:
        connections = to(server)
        for _ in range(3):
            answer = connections.head("/b/k%20y.jpg", HEADERS, fresh=False)
            assert answer.status == 200
            assert answer.headers == {
                "content-length": "5",
                "etag": '"e"',
                "x-amz-meta-upload-id": "u",
            }
        assert server.accepted == 1
        lines = b"host: bucket\r\nx-amz-date: 20261129T120000Z\r\n"
        assert server.requests == [b"HEAD /b/k%20y.jpg HTTP/1.1\r\n" + lines + b"\r\n"] * 3
        connections.head("/b/k", HEADERS, fresh=True)
        assert server.accepted == 2


def test_threads_do_not_share_a_connection_at_the_same_time() -> None:
    together = threading.Barrier(4)

    def serve(server: Raw, connection: socket.socket) -> None:
        while server.request(connection):
            together.wait(10)
            connection.sendall(FOUND)

    with raw(serve) as server:
        connections = to(server)
        threads = [
            threading.Thread(
                target=connections.head, args=("/b/k", HEADERS), kwargs={"fresh": False}
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.accepted == 4


@pytest.mark.parametrize(
    "answer",
    [
        FOUND.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"),
        FOUND.replace(b"HTTP/1.1", b"HTTP/1.0"),
        FOUND + b"HTTP/1.1 200 OK\r\nETag: of-another-object\r\n\r\n",
    ],
    ids=["close", "HTTP 1.0", "a body"],
)
def test_a_connection_is_not_used_again_if_the_answer_forbids_it(answer: bytes) -> None:
    def serve(server: Raw, connection: socket.socket) -> None:
        while server.request(connection):
            connection.sendall(answer)

    with raw(serve) as server:
        connections = to(server)
        for _ in range(2):
            assert connections.head("/b/k", HEADERS, fresh=False).headers["etag"] == '"e"'
        assert server.accepted == 2


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "wrote more"])
def test_an_idle_connection_that_the_server_closed_or_wrote_to_is_not_used_again(
    closes: bool,
) -> None:
    acted = threading.Event()

    def serve(server: Raw, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(FOUND)
        if server.accepted == 1:
            if closes:
                connection.shutdown(socket.SHUT_WR)
            else:
                acted.wait(10)
                connection.sendall(b"<html>")
        acted.set()
        server.request(connection)

    with raw(serve) as server:
        connections = to(server)
        connections.head("/b/k", HEADERS, fresh=False)
        if not closes:
            acted.set()
            (idle,) = connections._idle  # type: ignore[attr-defined]
            assert idle.recv(1, socket.MSG_PEEK)
        assert acted.wait(10)
        assert connections.head("/b/k", HEADERS, fresh=False).status == 200
        assert server.accepted == 2


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", ConnectionError),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "e"\r\n', BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12", BadAnswer),
        (b"SSH-2.0-OpenSSH\r\n\r\n", BadAnswer),
        (FOUND.replace(b"ETag:", b"ETag"), BadAnswer),
        (FOUND.replace(b"ETag:", b" ETag:"), BadAnswer),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Pad: x\r\n" * (HEADERS_MAX // 8), BadAnswer),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * (HEADERS_MAX // 8), BadAnswer),
    ],
    ids=["none", "half", "half a header", "SSH", "no colon", "folded", "endless", "informational"],
)
def test_a_broken_answer_is_an_error(sent: bytes, error: type[Exception]) -> None:
    def serve(server: Raw, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(sent)

    with raw(serve) as server:
        connections = to(server)
        for number in (1, 2):
            with pytest.raises(error):
                connections.head("/b/k", HEADERS, fresh=False)
            assert server.accepted == number


def test_informational_answers_are_skipped_and_repeated_headers_joined() -> None:
    def serve(server: Raw, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404\r\nX-A: 1\n"
        )
        connection.sendall(b"x-a:2 \n\n")
        server.request(connection)

    with raw(serve) as server:
        answer = to(server).head("/b/k", HEADERS, fresh=False)
        assert (answer.status, answer.headers) == (404, {"x-a": "1, 2"})


@pytest.mark.parametrize("drips", [True, False], ids=["drips", "is silent"])
def test_one_time_limit_is_for_the_whole_answer(drips: bool) -> None:
    ended = threading.Event()

    def serve(server: Raw, connection: socket.socket) -> None:
        server.request(connection)
        while not ended.wait(0.02):
            connection.sendall(b"H" if drips else b"")

    with raw(serve) as server:
        with pytest.raises(TimeoutError):
            to(server, seconds=0.2).head("/b/k", HEADERS, fresh=False)
        ended.set()


def of_server(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = self_signed(tmp_path / "other")
    context = of_server(certificate, key)
    with raw(found_always, context) as server:
        connections = to(server, scheme="https", ca=certificate)
        for _ in range(3):
            assert connections.head("/b/k", HEADERS, fresh=False).status == 200
        assert server.accepted == 1
        for wrong in (other, None, tmp_path / "missing.crt"):
            with pytest.raises(OSError):
                to(server, scheme="https", ca=wrong).head("/b/k", HEADERS, fresh=False)
        by_address = connections_to(
            f"https://127.0.0.1:{server.port}",
            timeouts=Timeouts(connect=5, answer=5),
            ca_bundle=str(certificate),
            most=1,
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            by_address.head("/b/k", HEADERS, fresh=False)


def test_bytes_that_tls_holds_back_are_not_the_next_answer(tmp_path: Path) -> None:
    """One record of TLS has 16 KiB. What is not read of it is not in the socket, but in OpenSSL."""
    certificate, key = self_signed(tmp_path)
    context = of_server(certificate, key)
    begin, end = FOUND[:-2] + b"X-Pad: ", b"\r\n\r\n"
    padded = begin + b"x" * (CHUNK - len(begin) - len(end)) + end

    def serve(server: Raw, connection: socket.socket) -> None:
        while server.request(connection):
            connection.sendall(padded + FOUND.replace(b'"e"', b'"of-another-object"'))

    with raw(serve, context) as server:
        connections = to(server, scheme="https", ca=certificate)
        for _ in range(2):
            assert connections.head("/b/k", HEADERS, fresh=False).headers["etag"] == '"e"'
        assert server.accepted == 2


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("hangs", [False, True], ids=["is closed", "hangs"])
def test_a_head_succeeds_if_only_its_kept_connection_is_broken(
    hangs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "READ_TIMEOUT_SECONDS", 0.2)

    def serve(server: Raw, connection: socket.socket) -> None:
        is_first = server.accepted == 1
        server.request(connection)
        connection.sendall(FOUND)
        server.request(connection)
        if is_first and hangs:
            server.request(connection)
        elif not is_first:
            connection.sendall(FOUND)

    with raw(serve) as server:
        storage = storage_at(server.port)
        assert storage.head("incoming/a.jpg").etag == "e"
        assert storage.head("incoming/b.jpg").etag == "e"
        paths = [one.split(b" ")[1] for one in server.requests]
        assert paths[:2] == [b"/media-bucket/incoming/a.jpg", b"/media-bucket/incoming/b.jpg"]
        assert paths[-1] == paths[1]
        # After a timeout, another key shows first that the bucket answers.
        assert len(paths) == (4 if hangs else 3)


@pytest.mark.usefixtures("credentials")
def test_half_an_answer_ends_no_upload() -> None:
    """Its length would differ from the declared one, and the object would be deleted."""

    def serve(server: Raw, connection: socket.socket) -> None:
        server.request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 12')

    with raw(serve) as server:
        with pytest.raises(StorageUnavailable):
            storage_at(server.port).head("incoming/a.jpg")
        assert server.accepted == 2
