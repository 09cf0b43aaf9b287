"""Odd answers to a worker are failures of the bucket: no upload is rejected because of them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from broker.config import Settings
from broker.domain.storage_errors import BucketMissing, StorageDenied, StorageUnavailable
from broker.storage.factory import object_files
from broker.storage.object_files import ObjectFiles
from tests.contract.odd_server import Answer, OddServer
from tests.servers.fixtures import SECRET

Call = Callable[[ObjectFiles, Path], object]
BYTES = b"a photo"
DIGEST = "1OJNdJpP4vFhry3pE8BAKwTjrih9r9D52/pKXFbGkoU="


def download(files: ObjectFiles, directory: Path) -> object:
    return files.download("incoming/a", directory / "a", max_bytes=100, keep=lambda: None)


def upload(files: ObjectFiles, _: Path) -> object:
    return files.upload(
        BytesIO(BYTES),
        "media/a.jpg",
        size=len(BYTES),
        content_type="image/jpeg",
        cache_control="max-age=1",
        checksum_sha256=DIGEST,
        metadata={},
        acl=None,
    )


CALLS: dict[str, Call] = {"download": download, "upload": upload}


@pytest.fixture
def files(odd: OddServer, monkeypatch: pytest.MonkeyPatch) -> ObjectFiles:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return object_files(
        Settings(
            database_url="sqlite://",
            s3_bucket="media-bucket",
            s3_endpoint_url=f"http://127.0.0.1:{odd.server.server_address[1]}",
            jwt_secret=SECRET,
        )
    )


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, body=b"<Error><Code>NoSuchBucket</Code></Error>"), BucketMissing),
        (Answer(404, body=b"<html><title>404 Not Found</title></html>"), StorageDenied),
        (Answer(403, body=b"<Error><Code>AccessDenied</Code></Error>"), StorageDenied),
        (Answer(301, {"Location": "https://127.0.0.1:9/"}), StorageDenied),
        (Answer(503, body=b"<Error><Code>SlowDown</Code></Error>"), StorageUnavailable),
    ],
    ids=["no-bucket", "page", "refused", "redirect", "slow-down"],
)
def test_an_odd_answer_is_a_failure_of_the_bucket(
    odd: OddServer,
    files: ObjectFiles,
    tmp_path: Path,
    name: str,
    answer: Answer,
    error: type[Exception],
) -> None:
    odd.answer = answer
    with pytest.raises(error):
        CALLS[name](files, tmp_path)


def test_an_answer_without_an_etag_is_a_failure_of_the_bucket(
    odd: OddServer, files: ObjectFiles, tmp_path: Path
) -> None:
    with pytest.raises(StorageUnavailable, match="ETag"):
        upload(files, tmp_path)


def test_a_download_that_ends_too_early_is_a_failure_of_the_bucket(
    odd: OddServer, files: ObjectFiles, tmp_path: Path
) -> None:
    odd.answer = Answer(headers={"Content-Length": "50", "Connection": "close"}, body=BYTES)
    with pytest.raises(StorageUnavailable):
        download(files, tmp_path)
