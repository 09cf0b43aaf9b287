"""The behaviour that every bucket must have, on moto and on each S3 server."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from moto.server import ThreadedMotoServer

from broker.config import Settings
from broker.domain.object_head import ObjectHead
from broker.domain.storage_errors import ObjectNotFound, PreconditionFailed, StorageUnavailable
from broker.storage import copies
from broker.storage.factory import s3_storage
from broker.storage.s3 import ForbiddenOperation, S3Storage
from tests.servers import S3Server
from tests.servers.fixtures import SECRET, Bucket, make_bucket
from tests.servers.parts import EVERY_SERVER

MIB = 1024 * 1024


@pytest.fixture(params=["moto", *EVERY_SERVER])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Storage]:
    if request.param != "moto":
        server = request.getfixturevalue(f"{request.param}_server")
        yield make_bucket(server, monkeypatch).storage
        return
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield make_bucket(S3Server(f"http://{host}:{port}", "moto", "moto", None), monkeypatch).storage
    moto.stop()


def put(storage: S3Storage, key: str, data: bytes = b"bytes") -> str:
    """Store an object as an uploader does, with a separate client."""
    client = boto3.Session().client("s3", endpoint_url=storage.client.meta.endpoint_url)
    answer = client.put_object(
        Bucket=storage.buckets.media,
        Key=key,
        Body=data,
        ContentType="image/png",
        CacheControl="public",
        Metadata={"upload-id": "u"},
    )
    return str(answer["ETag"]).strip('"')


def test_head_returns_length_type_etag_and_metadata(storage: S3Storage) -> None:
    etag = put(storage, "media/a.png")
    head = storage.head("media/a.png")
    assert (head.content_length, head.content_type, head.etag) == (5, "image/png", etag)
    assert head.metadata == {"upload-id": "u"}


def test_head_of_a_missing_key_is_object_not_found(storage: S3Storage) -> None:
    with pytest.raises(ObjectNotFound):
        storage.head("media/none.png")


def test_delete_removes_an_object_and_accepts_a_missing_key(storage: S3Storage) -> None:
    put(storage, "media/a.png")
    storage.delete("media/a.png")
    storage.delete("media/a.png")
    with pytest.raises(ObjectNotFound):
        storage.head("media/a.png")


def copied(storage: S3Storage, source: ObjectHead) -> str:
    """Copy incoming/a.png to media/a.png, and return the copy's ETag."""
    return storage.copy("incoming/a.png", "media/a.png", source=source, cache_control="no-cache")


def test_copy_keeps_type_and_metadata_if_the_etag_matches(storage: S3Storage) -> None:
    etag = put(storage, "incoming/a.png")
    assert copied(storage, storage.head("incoming/a.png")) == etag
    head = storage.head("media/a.png")
    assert (head.content_type, head.metadata) == ("image/png", {"upload-id": "u"})


def test_copy_of_replaced_bytes_is_precondition_failed(any_bucket: Bucket) -> None:
    # Not on moto, which ignores the ETag.
    storage = any_bucket.storage
    put(storage, "incoming/a.png")
    checked = storage.head("incoming/a.png")
    put(storage, "incoming/a.png", b"other")
    with pytest.raises(PreconditionFailed):
        copied(storage, checked)
    with pytest.raises(ObjectNotFound):
        storage.head("media/a.png")


def test_a_large_object_is_copied_in_parts(
    any_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PART_BYTES", 5 * MIB)
    storage = any_bucket.storage
    data = random.Random(1).randbytes(11 * MIB)  # noqa: S311 - the bytes of a test
    put(storage, "incoming/a.png", data)
    etag = copied(storage, storage.head("incoming/a.png"))
    head = storage.head("media/a.png")
    assert (head.etag, head.content_length, head.content_type) == (etag, len(data), "image/png")
    assert head.metadata == {"upload-id": "u"}
    client = boto3.Session().client("s3", endpoint_url=storage.client.meta.endpoint_url)
    found = client.get_object(Bucket=storage.buckets.media, Key="media/a.png")
    assert found["Body"].read() == data
    assert found["CacheControl"] == "no-cache"


def test_a_large_object_that_was_replaced_is_not_copied(
    any_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PART_BYTES", 5 * MIB)
    storage = any_bucket.storage
    put(storage, "incoming/a.png", b"a" * 6 * MIB)
    checked = storage.head("incoming/a.png")
    put(storage, "incoming/a.png", b"b" * 6 * MIB)
    with pytest.raises(PreconditionFailed):
        copied(storage, checked)
    with pytest.raises(ObjectNotFound):
        storage.head("media/a.png")


def test_copy_of_a_missing_key_is_object_not_found(storage: S3Storage) -> None:
    put(storage, "incoming/a.png")
    checked = storage.head("incoming/a.png")
    storage.delete("incoming/a.png")
    with pytest.raises(ObjectNotFound):
        copied(storage, checked)


def test_list_returns_key_size_etag_and_time_below_a_prefix(storage: S3Storage) -> None:
    etags = {key: put(storage, key) for key in ("media/a.png", "media/b.png", "other/c.png")}
    listed = list(storage.list_objects("media/"))
    assert [item.key for item in listed] == ["media/a.png", "media/b.png"]
    for item in listed:
        head = storage.head(item.key)
        assert (item.size, item.etag) == (5, etags[item.key]) == (head.content_length, head.etag)
        assert item.last_modified.tzinfo is not None
        assert head.last_modified is not None
        assert abs((item.last_modified - head.last_modified).total_seconds()) < 2


@pytest.mark.parametrize("name", ["a b", "a+b", "a%20b", "été", "日本", "a&b<c>", "a'b", "~(x)*!"])
def test_a_listed_key_is_not_encoded(storage: S3Storage, name: str) -> None:
    put(storage, f"media/{name}.png")
    assert [item.key for item in storage.list_objects("media/")] == [f"media/{name}.png"]
    assert storage.head(f"media/{name}.png").content_length == 5


def test_list_reads_every_page(s3_bucket: Bucket) -> None:
    keys = [f"media/{number:04}.png" for number in range(1003)]
    client = boto3.Session().client("s3", endpoint_url=s3_bucket.server.endpoint_url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=s3_bucket.name, Key=key), keys))
    assert [item.key for item in s3_bucket.storage.list_objects("media/")] == keys


def test_check_passes_if_the_bucket_exists(storage: S3Storage) -> None:
    storage.check()


def test_the_brokers_own_client_cannot_transfer_bytes(storage: S3Storage) -> None:
    put(storage, "media/a.png")
    with pytest.raises(ForbiddenOperation):
        storage.client.get_object(Bucket=storage.buckets.media, Key="media/a.png")
    with pytest.raises(ForbiddenOperation):
        storage.client.put_object(Bucket=storage.buckets.media, Key="media/a.png", Body=b"x")
    with pytest.raises(ForbiddenOperation):
        storage.client.upload_part(
            Bucket=storage.buckets.media, Key="k", UploadId="u", PartNumber=1, Body=b"x"
        )


def test_a_bucket_that_does_not_answer_is_storage_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        s3_endpoint_url="http://127.0.0.1:9",
        jwt_secret=SECRET,
    )
    with pytest.raises(StorageUnavailable):
        s3_storage(settings).head("media/a.png")
