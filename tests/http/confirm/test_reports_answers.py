"""Answers of a real S3 server, changed to those of Ceph and of servers that leave out headers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from flask import Flask

from broker.domain.storage_errors import StorageUnavailable
from broker.services.multipart import complete as completing
from tests.http.client import Client, send, token
from tests.http.part_uploads import PART, multipart_ticket, put_parts, signed
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]
NO_SUCH_KEY = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>None</Message></Error>"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json().get("code", "")


def sent(client: Client) -> dict[str, Any]:
    """Return a ticket with all its parts uploaded."""
    ticket = multipart_ticket(client)
    put_parts(signed(client, ticket, [1, 2, 3]))
    return ticket


@contextmanager
def like_ceph(
    make_app: MakeApp, bucket: Bucket, *, done: bool = False
) -> Iterator[tuple[Client, list[str]]]:
    """Yield a client of a broker whose bucket answers as Ceph after the end of a multipart upload.

    With `done`, the answer of a completion that succeeds is lost, and that of its repetition is
    returned. The list has the methods of the requests that were answered with NoSuchKey.
    """
    changed: list[str] = []

    def rewrite(method: str, path: str, status: int, body: bytes) -> tuple[int, bytes]:
        repeated = done and method == "POST" and status == 200
        if "uploadId=" in path and (status == 404 or repeated):
            changed.append(method)
            return 404, NO_SUCH_KEY
        return status, body

    with header_proxy(bucket.server.endpoint_url, rewrite=rewrite) as url:
        yield Client(make_app(part_size=PART, s3_endpoint_url=url), token(1)), changed


def test_report_14_a_completed_upload_that_ceph_no_longer_knows_becomes_an_image(
    make_app: MakeApp, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise StorageUnavailable("the process died here")

    real = Client(make_app(part_size=PART), token(1))
    ticket = sent(real)
    with monkeypatch.context() as patch:
        patch.setattr(completing, "confirm", crash)
        assert real.post(ticket["upload"]["complete_url"]).status_code == 503
    with like_ceph(make_app, s3_bucket) as (client, changed):
        assert client.get(ticket["upload"]["parts_url"]).get_json()["missing"] == []
        answer = client.post(ticket["upload"]["complete_url"])
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["image"] == ticket["key"]
    assert changed == ["GET", "GET"]


def test_report_14_a_completion_that_ceph_has_done_before_becomes_an_image(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    ticket = sent(Client(make_app(part_size=PART), token(1)))
    with like_ceph(make_app, s3_bucket, done=True) as (client, changed):
        answer = client.post(ticket["upload"]["complete_url"])
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["image"] == ticket["key"]
    assert changed == ["POST"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_report_14_an_upload_that_was_aborted_on_ceph_is_410(
    make_app: MakeApp, s3_bucket: Bucket, method: str
) -> None:
    ticket = sent(Client(make_app(part_size=PART), token(1)))
    admin = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    key = f"incoming/{ticket['key']}"
    (begun,) = admin.list_multipart_uploads(Bucket=s3_bucket.name, Prefix=key)["Uploads"]
    admin.abort_multipart_upload(Bucket=s3_bucket.name, Key=key, UploadId=begun["UploadId"])
    url = ticket["upload"]["parts_url" if method == "GET" else "complete_url"]
    with like_ceph(make_app, s3_bucket) as (client, changed):
        for _ in range(2):
            assert code_of(client.call(method, url)) == (410, "upload_expired")
    assert changed
    assert changed[0] == "GET"


def test_report_14_a_head_without_an_etag_is_503_and_changes_nothing(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    real = Client(make_app(), token(1))
    ticket = real.ticket(real.ad()).get_json()
    send(ticket)
    with header_proxy(s3_bucket.server.endpoint_url, dropped="etag") as url:
        client = Client(make_app(s3_endpoint_url=url), token(1))
        assert code_of(client.post(ticket["confirm_url"])) == (503, "storage_unavailable")
    assert real.post(ticket["confirm_url"]).status_code == 200
