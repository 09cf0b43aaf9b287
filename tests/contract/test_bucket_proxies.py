"""HEAD and the doctor by a proxy that the environment names."""

import base64
import socket

import pytest

from broker.doctor.browser import Browser
from broker.storage.bucket_connections import Connections, Timeouts, connections_to
from broker.storage.http_head import BadAnswer
from tests.contract.raw_server import HEADERS, found_always, raw


def by_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: str, bucket: str, *, seconds: float = 5
) -> Connections:
    """Return connections to a bucket whose server only the proxy can reach."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    timeouts = Timeouts(connect=seconds, answer=seconds)
    return connections_to(bucket, timeouts=timeouts, ca_bundle=None, most=1)


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw(found_always) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        connections = by_proxy(monkeypatch, proxy, "http://bucket.example:8333")
        for _ in range(2):
            answer = connections.head("/b/k", HEADERS, fresh=False)
            assert (answer.status, answer.headers["x-amz-meta-upload-id"]) == (200, "u")
        assert server.accepted == 1
        assert server.requests[0].startswith(b"HEAD http://bucket.example:8333/b/k HTTP/1.1\r\n")


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_gets_the_password_of_its_url_as_from_boto3(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw(found_always) as server:
        proxy = f"{scheme}me:s%40cret@127.0.0.1:{server.port}"
        connections = by_proxy(monkeypatch, proxy, "http://bucket.example")
        assert connections.head("/b/k", HEADERS, fresh=False).status == 200
        assert Browser().send("HEAD", "http://bucket.example/b/k").status == 200
        login = base64.b64encode(b"me:s@cret")
        assert len(server.requests) == 2
        for request in server.requests:
            assert b"Proxy-Authorization: Basic " + login in request


def test_a_proxy_that_does_not_answer_or_connect_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        connections = by_proxy(monkeypatch, proxy, "http://bucket.example", seconds=0.1)
        with pytest.raises(TimeoutError):
            connections.head("/b/k", HEADERS, fresh=False)
    with pytest.raises(BadAnswer):
        connections.head("/b/k", HEADERS, fresh=True)
