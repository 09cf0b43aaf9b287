"""One request to a receiver: it ends in time, whatever the receiver does."""

import socket
import threading
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from broker.services.events.send import LIMIT_SECONDS, NotDelivered, post
from tests.events.receivers import (
    Answer,
    Receiver,
    dripping,
    endless,
    raw,
    receiver,
    silent,
    status,
)
from tests.servers.tls_proxy import self_signed, tls_proxy

SECONDS = 0.4
# A busy machine may need longer, but a receiver that drips would need for ever.
SLACK = 1.5


def reason(url: str, seconds: float = SECONDS) -> str:
    with pytest.raises(NotDelivered) as failed:
        post(url, b"{}", {}, seconds=seconds)
    return failed.value.reason


def test_the_request_has_everything_that_a_receiver_needs(accepting: Receiver) -> None:
    assert post(accepting.url, b'{"a": 1}', {"webhook-id": "one"}) == 204
    (request,) = accepting.received
    assert request.line == "POST /events/?from=broker HTTP/1.1"
    assert request.headers["Host"] == accepting.url.split("/")[2]
    assert (request.event_id, request.body) == ("one", b'{"a": 1}')


def test_the_time_limit_is_that_of_the_design() -> None:
    assert LIMIT_SECONDS == 15


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silent, id="never answers"),
        pytest.param(dripping(b"", b"H"), id="drips its status"),
        pytest.param(dripping(b"HTTP/1.1 204 X\r\n", b"a"), id="drips a header"),
        pytest.param(dripping(b"", b"HTTP/1.1 102 X\r\n\r\n"), id="announces an answer"),
    ],
)
def test_a_slow_receiver_costs_no_more_than_the_time_limit(answer: Answer) -> None:
    with receiver(answer) as slow:
        begin = monotonic()
        assert reason(slow.url) == "timeout"
        assert SECONDS <= monotonic() - begin < SECONDS + SLACK


def test_a_receiver_that_never_accepts_the_connection_costs_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address = listening.getsockname()
        waiting = []
        for _ in range(4):  # the kernel accepts one or two without the server
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        begin = monotonic()
        assert reason(f"http://127.0.0.1:{address[1]}/") == "timeout"
        assert monotonic() - begin < SECONDS + SLACK
        for one in waiting:
            one.close()


def test_the_addresses_of_a_host_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address does not answer, and the second does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, receiver() as second:
        blocked = listening.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(blocked)
        port = int(second.url.split(":")[2].split("/")[0])
        tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        found = [(*tcp, blocked), (*tcp, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert post("http://shop.example/", b"", {}, seconds=1) == 204
        for one in waiting:
            one.close()


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 500 X\r\nA: b\r\n\r\n"]
)
def test_the_body_of_an_answer_is_not_read(beginning: bytes) -> None:
    with receiver(endless(beginning)) as generous:
        assert post(generous.url, b"", {}, seconds=5) == int(beginning[9:12])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (raw(b""), "connection"),
        (raw(b"HTTP/1.1 204"), "bad_answer"),
        (raw(b"<html>no status</html>\r\n\r\n"), "bad_answer"),
        (raw(b"HTTP/1.1 999 X\r\n\r\n"), "bad_answer"),
        (raw(b"HTTP/2 204 X\r\n\r\n"), "bad_answer"),
        (endless(b"HTTP/1.1 200 OK\r\nA: "), "bad_answer"),
        (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000), "bad_answer"),
    ],
)
def test_a_broken_answer_is_a_failure(answer: Answer, expected: str) -> None:
    with receiver(answer) as broken:
        assert reason(broken.url, seconds=5) == expected


def test_informational_answers_are_skipped() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.0 201 Created\n\n"
    with receiver(raw(early)) as hinting:
        assert post(hinting.url, b"", {}) == 201


def test_a_redirect_is_not_followed(accepting: Receiver) -> None:
    with receiver(status(308, f"Location: {accepting.url}")) as moved:
        assert post(moved.url, b"", {}) == 308
    assert accepting.received == []


def test_no_proxy_of_the_environment_is_used(
    accepting: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(accepting.url, b"", {}) == 204


def test_a_receiver_that_is_down_or_unknown_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as down:
        url = down.url
    assert reason(url) == "connection"

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert reason("https://shop.invalid/") == "unknown_host"


def test_a_certificate_is_verified(
    accepting: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    origin = accepting.url.partition("/events")[0]
    with tls_proxy(origin, certificate, key) as url:
        assert reason(f"{url}/events/", seconds=5) == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert post(f"{url}/events/", b"{}", {"webhook-id": "one"}) == 204
        other_name = url.replace("localhost", "127.0.0.1")
        assert reason(f"{other_name}/events/", seconds=5) == "tls"
    assert accepting.ids == ["one"]


def test_a_server_without_tls_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        serving = threading.Thread(target=answer)
        serving.start()
        assert reason(f"https://127.0.0.1:{listening.getsockname()[1]}/") == "tls"
        serving.join()


def test_a_tls_handshake_that_never_ends_costs_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        begin = monotonic()
        assert reason(f"https://127.0.0.1:{listening.getsockname()[1]}/") == "timeout"
        assert monotonic() - begin < SECONDS + SLACK
