"""What the storage sends, and believes, depends on the row of the server."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from broker.config import Settings
from broker.domain.object_head import ObjectHead
from broker.domain.storage_errors import ObjectNotFound, PreconditionFailed
from broker.storage import copies
from broker.storage.bucket_setup import apply
from broker.storage.factory import object_files, s3_storage
from broker.storage.s3 import S3Storage
from tests.servers import S3Server
from tests.servers.fixtures import Bucket, make_bucket
from tests.servers.header_proxy import header_proxy

MIB = 1024 * 1024
KEY, COPY = "incoming/a.png", "media/a.png"
SHA_OF_PHOTO = "VcZND81vnV98goCThX4/39poR4u06b0k1IHvORx4BOg="
OTHER_SHA = "M5NZZ1fbGwwVeKmMWgRxgbsChSGTMCxbZPOoYM0scRI="


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Yield a bucket on a server that ignores the condition of a copy, as Ceph does."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield make_bucket(S3Server(f"http://{host}:{port}", "moto", "moto", None), monkeypatch)
    moto.stop()


def settings_of(bucket: Bucket, row: str, **changes: str) -> Settings:
    second = {"s3_incoming_bucket": bucket.name}
    return bucket.settings.model_copy(update={"s3_server": row, **second, **changes})


def client_of(bucket: Bucket) -> Any:
    return boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)


def put(bucket: Bucket, data: bytes = b"bytes") -> ObjectHead:
    client_of(bucket).put_object(
        Bucket=bucket.name, Key=KEY, Body=data, ContentType="image/png", Metadata={"upload-id": "u"}
    )
    return bucket.storage.head(KEY)


def copied(storage: S3Storage, source: ObjectHead) -> str:
    return storage.copy(KEY, COPY, source=source, cache_control="public, max-age=9")


def test_a_copy_of_replaced_bytes_is_noticed_and_deleted(careless: Bucket) -> None:
    checked = put(careless)
    put(careless, b"other")
    ceph = s3_storage(settings_of(careless, "ceph"))
    with pytest.raises(PreconditionFailed):
        copied(ceph, checked)
    with pytest.raises(ObjectNotFound):
        ceph.head(COPY)


def test_a_copy_of_the_checked_bytes_has_the_cache_control_that_the_form_lost(
    careless: Bucket,
) -> None:
    checked = put(careless)
    assert copied(s3_storage(settings_of(careless, "ceph")), checked) == checked.etag
    found = client_of(careless).head_object(Bucket=careless.name, Key=COPY)
    assert found["CacheControl"] == "public, max-age=9"
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {"upload-id": "u"})


def test_a_large_object_of_one_request_is_copied_by_one_request_if_it_must_be_compared(
    careless: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PART_BYTES", MIB)
    checked = put(careless, b"a" * 2 * MIB)
    assert copied(s3_storage(settings_of(careless, "ceph")), checked) == checked.etag
    put(careless, b"b" * 2 * MIB)
    with pytest.raises(PreconditionFailed):
        copied(s3_storage(settings_of(careless, "ceph")), checked)


def test_an_object_of_parts_is_copied_in_parts_without_a_comparison(
    careless: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PART_BYTES", 5 * MIB)
    source = put(careless, b"a" * 6 * MIB)
    of_parts = replace(source, etag=f"{source.etag}-2")
    assert copied(s3_storage(settings_of(careless, "ceph")), of_parts).endswith("-2")


def test_the_etag_of_a_copy_in_parts_is_formed_if_the_server_names_none() -> None:
    parts = [{"ETag": f'"{hashlib.md5(data).hexdigest()}"'} for data in (b"a", b"b")]  # noqa: S324
    assert copies._etag_of(parts) == "96e024ba2074fe77e8e965ba43a704be-2"


@pytest.mark.parametrize(("row", "asks"), [("other", True), ("swift", False), ("b2", False)])
def test_head_asks_for_a_digest_only_if_the_server_returns_it(
    s3_bucket: Bucket, row: str, asks: bool
) -> None:
    put(s3_bucket)
    with header_proxy(s3_bucket.server.endpoint_url, x_amz_checksum_sha256=OTHER_SHA) as url:
        storage = s3_storage(settings_of(s3_bucket, row, s3_endpoint_url=url))
        assert storage.head(KEY).checksum_sha256 == (OTHER_SHA if asks else None)


@pytest.mark.parametrize(("row", "overwrites"), [("other", False), ("b2", True)])
def test_the_workers_put_has_no_header_that_the_server_refuses(
    s3_bucket: Bucket, row: str, overwrites: bool
) -> None:
    files = object_files(settings_of(s3_bucket, row))

    def send() -> str:
        return files.upload(
            BytesIO(b"photo"),
            COPY,
            size=5,
            content_type="image/png",
            cache_control="public",
            # Another digest: only a server that gets it can refuse it.
            checksum_sha256=OTHER_SHA if overwrites else SHA_OF_PHOTO,
            metadata={},
            acl=None,
        )

    send()
    if overwrites:
        send()
    else:
        with pytest.raises(PreconditionFailed):
            send()


def test_an_unexpected_lack_is_told_with_its_consequence(s3_bucket: Bucket) -> None:
    title = "Amazon's Block Public Access lets images be public"

    def reason(row: str) -> str | None:
        steps = apply(settings_of(s3_bucket, row, s3_incoming_bucket=""), dry_run=True)
        return {step.title: step.reason for step in steps}[title]

    assert reason("other") is reason("seaweedfs") is None
    assert reason("aws") == (
        "unexpected of Amazon S3 (BROKER_S3_SERVER=aws): images are public only if nothing else"
        " blocks public reading"
    )
