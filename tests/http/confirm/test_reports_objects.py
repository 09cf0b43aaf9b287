"""Objects that the bucket refuses to show, servers without digests, and wrong digests of parts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from broker.domain.checksums import composite_sha256
from tests.http.client import JPEG, Client, send, token
from tests.http.middleware.test_metrics import grown, scrape
from tests.http.part_uploads import LARGE, PART, digest, multipart_ticket, put_parts, signed
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy, refusing
from tests.servers.sse_c import bucket_with_tls, put_encrypted, send_encrypted

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]


def written_key(ticket: dict[str, Any]) -> str:
    return str(ticket["upload"]["fields"]["key"])


def is_listed(app: Flask, key: str) -> bool:
    """Check whether an object exists; its HEAD may be refused."""
    listed = app.extensions["broker"].storage.list_objects(key)
    return key in {found.key for found in listed}


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def upload_of(client: Client, ticket: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(f"/api/uploads/{ticket['id']}/").get_json())


def test_report_03_an_object_with_its_clients_own_key_is_rejected_and_deleted(
    app: Flask, alice: Client
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send_encrypted(ticket)
    assert is_listed(app, written_key(ticket))
    before = scrape(app)
    for _ in range(2):
        assert problem(alice.post(ticket["confirm_url"])) == (422, "object_mismatch")
    assert upload_of(alice, ticket)["state"] == "rejected"
    assert not is_listed(app, written_key(ticket))
    after = scrape(app)
    errors = {"name": "broker_s3_errors_total", "operation": "HeadObject"}
    assert grown(before, after, **errors, kind="object_refused") == 1
    assert grown(before, after, **errors, kind="storage_denied") == 0, "the alert is for operators"
    assert grown(before, after, "broker_problems_total", code="storage_denied") == 0


@SQLITE
def test_report_03_a_403_is_about_the_credentials_and_rejects_no_upload(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    real = Client(make_app(), token(1))
    ticket = real.ticket(real.ad()).get_json()
    send(ticket)
    with refusing(s3_bucket.server.endpoint_url, "HEAD", 403, ticket["key"]) as (url, _asked):
        alice = Client(make_app(s3_endpoint_url=url), token(1))
        assert problem(alice.post(ticket["confirm_url"])) == (503, "storage_denied")
    assert real.post(ticket["confirm_url"]).status_code == 200


@SQLITE
def test_report_03_one_more_head_tells_this_object_from_the_credentials(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    real = Client(make_app(), token(1))
    ad = real.ad()
    bad, good = (real.ticket(ad).get_json() for _ in range(2))
    send(bad)
    send(good)
    with refusing(s3_bucket.server.endpoint_url, "HEAD", 400, bad["key"]) as (url, asked):
        alice = Client(make_app(s3_endpoint_url=url), token(1))
        assert alice.post(good["confirm_url"]).status_code == 200
        assert len(asked) == 1, "nothing is asked twice while all is well"
        assert problem(alice.post(bad["confirm_url"])) == (422, "object_mismatch")
        assert len(asked) == 4


@SQLITE
@pytest.mark.parametrize("status", [400, 403])
def test_report_03_a_bucket_that_refuses_every_object_rejects_no_upload(
    make_app: MakeApp, s3_bucket: Bucket, status: int
) -> None:
    real = Client(make_app(), token(1))
    ticket = real.ticket(real.ad()).get_json()
    send(ticket)
    with refusing(s3_bucket.server.endpoint_url, "HEAD", status, "/") as (url, asked):
        alice = Client(make_app(s3_endpoint_url=url), token(1))
        assert problem(alice.post(ticket["confirm_url"])) == (503, "storage_denied")
        assert len(asked) == (2 if status == 400 else 1)
    assert real.post(ticket["confirm_url"]).status_code == 200


@pytest.fixture
def tls_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Yield a bucket on a MinIO with TLS, because MinIO accepts SSE-C only over TLS."""
    with installed_or_skip(), bucket_with_tls(tmp_path, monkeypatch) as bucket:
        yield bucket


@SQLITE
def test_report_03_a_put_with_its_clients_own_key_over_tls_is_rejected_on_minio(
    tls_bucket: Bucket, database_url: str, make_app: MakeApp
) -> None:
    app = make_app(
        s3_endpoint_url=tls_bucket.server.endpoint_url, s3_bucket=tls_bucket.settings.s3_bucket
    )
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad(), transport="put").get_json()
    put_encrypted(ticket)
    assert problem(alice.post(ticket["confirm_url"])) == (422, "object_mismatch")
    assert list(tls_bucket.storage.list_objects("")) == []


def without_digests(s3_bucket: Bucket) -> Any:
    """Run a proxy that removes the digest from HEAD, so that the server behaves like Swift."""
    return header_proxy(s3_bucket.server.endpoint_url, dropped="x-amz-checksum")


@pytest.mark.parametrize("transport", ["post", "put"])
def test_report_13_a_server_without_digests_confirms_without_verifying(
    make_app: MakeApp, s3_bucket: Bucket, transport: str
) -> None:
    with without_digests(s3_bucket) as url:
        alice = Client(make_app(s3_endpoint_url=url, s3_public_url=None), token(1))
        ticket = alice.ticket(alice.ad(), transport=transport).get_json()
        sent = ticket["upload"]
        if transport == "post":
            assert send(ticket).status_code == 201
        else:
            put_ = httpx.put(sent["url"], content=JPEG, headers=sent["headers"], verify=False)
            assert put_.status_code == 200
        assert alice.post(ticket["confirm_url"]).status_code == 200
        upload = upload_of(alice, ticket)
    assert (upload["state"], upload["checksum_verified"]) == ("confirmed", False)
    assert upload["checksum_sha256"] == digest(JPEG), "it is still what the client declared"


@SQLITE
def test_report_13_a_digest_that_differs_is_still_a_mismatch(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    other = digest(bytes(reversed(JPEG)))
    with header_proxy(s3_bucket.server.endpoint_url, x_amz_checksum_sha256=other) as url:
        alice = Client(make_app(s3_endpoint_url=url), token(1))
        ticket = alice.ticket(alice.ad()).get_json()
        send(ticket)
        assert problem(alice.post(ticket["confirm_url"])) == (422, "object_mismatch")


@SQLITE
def test_report_13_a_verified_digest_is_reported_as_verified(alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    alice.post(ticket["confirm_url"])
    assert upload_of(alice, ticket)["checksum_verified"] is True


DIGESTS = [digest(LARGE[start : start + PART]) for start in range(0, len(LARGE), PART)]


def completed(client: Client) -> tuple[Any, dict[str, Any]]:
    """Send and complete a multipart upload with pinned parts; return the answer and the upload."""
    ticket = multipart_ticket(client)
    put_parts(signed(client, ticket, range(1, len(DIGESTS) + 1)))
    answer = client.post(ticket["upload"]["complete_url"])
    return answer, upload_of(client, ticket)


@pytest.mark.parametrize(
    ("database_url", "s3_bucket"),
    [("sqlite", "seaweedfs"), ("postgresql", "minio")],
    indirect=True,
)
def test_report_05_the_composite_digest_is_that_of_the_pinned_parts(make_app: MakeApp) -> None:
    answer, upload = completed(Client(make_app(part_size=PART), token(1)))
    assert answer.status_code == 200
    assert upload["composite_checksum_sha256"] == composite_sha256(DIGESTS)
    assert upload["checksum_verified"] is False, "S3 knows no digest of the whole file"


@SQLITE
def test_report_05_other_bytes_than_the_pinned_parts_are_rejected(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    """Ceph 16 ignores the digests of parts, and HEAD returns the digest of what was sent."""
    other = composite_sha256([*DIGESTS[:-1], digest(b"other bytes")])
    with header_proxy(s3_bucket.server.endpoint_url, x_amz_checksum_sha256=other) as url:
        app = make_app(s3_endpoint_url=url, part_size=PART)
        answer, upload = completed(Client(app, token(1)))
    assert problem(answer) == (422, "object_mismatch")
    assert upload["state"] == "rejected"
    assert not list(s3_bucket.storage.list_objects(""))


@SQLITE
def test_report_05_without_a_composite_digest_nothing_is_verified(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    with without_digests(s3_bucket) as url:
        answer, upload = completed(Client(make_app(s3_endpoint_url=url, part_size=PART), token(1)))
    assert answer.status_code == 200
    assert (upload["checksum_verified"], upload["composite_checksum_sha256"]) == (False, None)
