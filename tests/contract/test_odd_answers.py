"""Odd answers of proxies, overloaded servers and wrong addresses become the broker's own errors."""

import socket
import time
from collections.abc import Iterator

import pytest

from broker.domain.storage_errors import (
    BucketMissing,
    StorageDenied,
    StorageError,
    StorageUnavailable,
)
from broker.local.process import free_ports
from broker.storage import circuit_breaker, factory
from broker.storage.s3 import S3Storage
from tests.contract.odd_server import CALLS, Answer, OddServer, storage_at


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
    with pytest.raises(BucketMissing):
        CALLS[name](storage)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("head", "check")])
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
    monkeypatch.setattr(time, "sleep", slept.append)
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
            with pytest.raises(StorageUnavailable):
                storage.check()
        silent.setblocking(False)
        # The first tried once, and then whether the bucket answers for another key.
        assert len(list(accepted(silent))) == 2


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
        # The second call was sent: once, and once for another key.
        assert len(list(accepted(back))) == 2
