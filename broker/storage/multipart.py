"""Multipart uploads, through boto3. Clients send the parts themselves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.domain.part_plan import UploadedPart
from broker.domain.storage_errors import MultipartNotFound
from broker.storage.buckets import ByKey
from broker.storage.translation import (
    translate_missing,
    translate_of_completion,
    translate_of_multipart,
    translate_without_object,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


FAILED = "InternalError"


class S3Multipart:
    """The methods are described in `MultipartStorage`."""

    def __init__(self, client: "S3Client", buckets: ByKey[str]) -> None:
        self._client = client
        self._buckets = buckets

    def create(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str,
        upload_id: str,
        acl: str | None,
        sha256: bool,
    ) -> str:
        """See MultipartStorage."""
        arguments: Any = {
            "Bucket": self._buckets.of(key),
            "Key": key,
            "ContentType": content_type,
            "CacheControl": cache_control,
            "Metadata": {"upload-id": upload_id},
        }
        if sha256:
            arguments["ChecksumAlgorithm"] = "SHA256"
        if acl is not None:
            arguments["ACL"] = acl
        try:
            return self._client.create_multipart_upload(**arguments)["UploadId"]
        except (ClientError, BotoCoreError) as error:
            raise translate_without_object(error) from error
        except KeyError as error:
            raise translate_missing(error) from error

    def list_parts(self, key: str, multipart_id: str) -> list[UploadedPart]:
        """See MultipartStorage."""
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._buckets.of(key), Key=key, UploadId=multipart_id
        )
        try:
            return [
                UploadedPart(
                    part_number=part["PartNumber"],
                    size=part["Size"],
                    etag=part["ETag"].strip('"'),
                    checksum_sha256=part.get("ChecksumSHA256"),
                )
                for page in pages
                for part in page.get("Parts", [])
            ]
        except (ClientError, BotoCoreError) as error:
            raise translate_of_multipart(error) from error
        except KeyError as error:
            raise translate_missing(error) from error

    def complete(self, key: str, multipart_id: str, parts: Sequence[UploadedPart]) -> None:
        """See MultipartStorage."""
        named: Any = [_named(part) for part in parts]
        try:
            self._client.complete_multipart_upload(
                Bucket=self._buckets.of(key),
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={"Parts": named},
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == FAILED:
                # Ceph 16 says this of an upload that has ended, too. Then it lists no parts.
                self.list_parts(key, multipart_id)
            raise translate_of_completion(error) from error

    def abort(self, key: str, multipart_id: str) -> None:
        """See MultipartStorage."""
        try:
            self._client.abort_multipart_upload(
                Bucket=self._buckets.of(key), Key=key, UploadId=multipart_id
            )
        except (ClientError, BotoCoreError) as error:
            translated = translate_of_multipart(error)
            if not isinstance(translated, MultipartNotFound):
                raise translated from error


def _named(part: UploadedPart) -> dict[str, Any]:
    named = {"PartNumber": part.part_number, "ETag": f'"{part.etag}"'}
    if part.checksum_sha256 is not None:
        named["ChecksumSHA256"] = part.checksum_sha256
    return named
