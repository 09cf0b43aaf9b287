"""HEAD and the doctor by a proxy that the environment names."""

import base64
import socket

import pytest

from broker.doctor.browser import Browser
from broker.storage.bucket_connections import Timeouts, connections_to
from broker.storage.http_head import BadAnswer
from tests.contract.raw_server import found_always, raw

HEADERS = {"host": "bucket", "x-amz-date": "20261129T120000Z"}


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw(found_always) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
        connections = connections_to(
            "http://bucket.example:8333",
            timeouts=Timeouts(connect=5, answer=5),
            ca_bundle=None,
            most=1,
        )
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
        monkeypatch.setenv("HTTP_PROXY", f"{scheme}me:s%40cret@127.0.0.1:{server.port}")
        connections = connections_to(
            "http://bucket.example",
            timeouts=Timeouts(connect=5, answer=5),
            ca_bundle=None,
            most=1,
        )
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
        port = silent.getsockname()[1]
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        connections = connections_to(
            "http://bucket.example",
            timeouts=Timeouts(connect=0.1, answer=0.1),
            ca_bundle=None,
            most=1,
        )
        with pytest.raises(TimeoutError):
            connections.head("/b/k", HEADERS, fresh=False)
    with pytest.raises(BadAnswer):
        connections.head("/b/k", HEADERS, fresh=True)
