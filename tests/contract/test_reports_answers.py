"""Answers of Ceph, OpenStack Swift and others that are not as Amazon S3 answers."""

import pytest
from urllib3 import HTTPResponse

from broker.domain.storage_errors import (
    BucketMissing,
    MultipartNotFound,
    ObjectNotFound,
    ObjectRefused,
    StorageDenied,
    StorageUnavailable,
)
from broker.storage.s3 import S3Storage
from tests.contract.odd_server import CALLS, Answer, OddServer


@pytest.mark.parametrize("name", ["list_parts", "complete"])
def test_report_14_no_such_key_after_the_end_of_a_multipart_upload(
    odd: OddServer, storage: S3Storage, name: str
) -> None:
    """Ceph and OpenStack Swift answer so after a completion or an abort."""
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    with pytest.raises(MultipartNotFound):
        CALLS[name](storage)


def test_report_14_an_abort_that_was_done_before_is_no_error(
    odd: OddServer, storage: S3Storage
) -> None:
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    CALLS["abort"](storage)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (
            "list",
            b"<ListBucketResult><Contents><Key>media/a.jpg</Key><Size>1</Size>"
            b"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>",
        ),
        (
            "list_parts",
            b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size></Part>"
            b"</ListPartsResult>",
        ),
        ("copy", b"<CopyObjectResult></CopyObjectResult>"),
        ("head", b""),
    ],
)
def test_report_14_an_answer_without_an_etag_is_one_clear_error(
    odd: OddServer, storage: S3Storage, name: str, body: bytes
) -> None:
    headers = {"Content-Length": "5"} if name == "head" else {}
    odd.answer = Answer(headers=headers, body=body)
    with pytest.raises(StorageUnavailable, match="no ETag"):
        CALLS[name](storage)


def test_report_14_a_new_multipart_upload_without_an_id_is_one_clear_error(
    odd: OddServer, storage: S3Storage
) -> None:
    odd.answer = Answer(body=b"<InitiateMultipartUploadResult></InitiateMultipartUploadResult>")
    with pytest.raises(StorageUnavailable, match="no UploadId"):
        CALLS["create"](storage)


def test_report_14_only_no_such_key_means_that_the_source_of_a_copy_is_missing(
    odd: OddServer, storage: S3Storage
) -> None:
    """Otherwise a proxy's page would reject the upload."""
    odd.answer = Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
    with pytest.raises(ObjectNotFound):
        CALLS["copy"](storage)
    odd.answer = Answer(404, body=b"<html><title>404 Not Found</title></html>")
    with pytest.raises(BucketMissing):
        CALLS["copy"](storage)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidRequest"),
        # The object's storage class is an archive.
        (403, "InvalidObjectState"),
    ],
)
@pytest.mark.parametrize("name", ["copy", "complete"])
def test_report_03_a_request_that_cannot_be_done_with_the_object_is_about_the_object(
    odd: OddServer, storage: S3Storage, name: str, status: int, code: str
) -> None:
    odd.answer = Answer(status, body=f"<Error><Code>{code}</Code></Error>".encode())
    with pytest.raises(ObjectRefused):
        CALLS[name](storage)
    for status, code in ((403, "AccessDenied"), (400, "ExpiredToken")):
        odd.answer = Answer(status, body=f"<Error><Code>{code}</Code></Error>".encode())
        with pytest.raises(StorageDenied):
            CALLS[name](storage)


@pytest.mark.parametrize(("name", "status"), [("head", 400), ("delete", 403)])
def test_report_03_one_more_call_asks_whether_only_this_object_is_refused(
    odd: OddServer, storage: S3Storage, name: str, status: int
) -> None:
    odd.answer = Answer(status, body=b"<Error><Code>AccessDenied</Code></Error>")
    with pytest.raises(StorageDenied):
        CALLS[name](storage)
    assert odd.asked == 2


def test_report_03_a_disabled_kms_key_is_not_the_fault_of_an_object(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 then refuses the checksum of each object. A plain HEAD needs no key."""

    def send(path: str, headers: dict[str, str], **_: object) -> HTTPResponse:
        if not path.endswith("/a.jpg"):
            return HTTPResponse(status=404)
        return HTTPResponse(status=400 if "x-amz-checksum-mode" in headers else 200)

    monkeypatch.setattr(storage._heads.incoming, "_send", send)
    with pytest.raises(StorageDenied):
        storage.head("incoming/a.jpg")
