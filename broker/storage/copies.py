"""Copy objects, if the source still has the ETag that was checked.

CopyObject is limited to 5 GiB, and a server may not answer until the copy is finished. So a large
object is copied in parts, each by a short request.

Some servers ignore the condition. There, an object that was sent in one request is also copied by
one request, and the copy must have the ETag of its source, which is that of its bytes. An object
that was completed from parts needs no check: only the broker completes an upload, and only once, so
its client cannot replace it.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import MAX_PARTS
from broker.domain.s3_servers import OTHER, S3Server
from broker.domain.storage_errors import PreconditionFailed
from broker.storage.buckets import ByKey
from broker.storage.translation import translate_missing, translate_of_copy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The largest size, in bytes, that one request copies. All parts that are copied at once must end
# within the read timeout, also on a server with one disk.
PART_BYTES = 64 * 1024 * 1024
PARTS_AT_ONCE = 4


class S3Copies:
    """Copies objects within a bucket or to the other; raises the errors of `ObjectStorage.copy`."""

    def __init__(self, client: "S3Client", buckets: ByKey[str], server: S3Server = OTHER) -> None:
        self._client = client
        self._buckets = buckets
        self._server = server

    def copy(
        self,
        source_key: str,
        key: str,
        *,
        source: ObjectHead,
        cache_control: str,
        acl: str | None,
    ) -> str:
        """See ObjectStorage."""
        is_unchecked = not self._server.checks_copies and not _was_sent_in_parts(source)
        try:
            if is_unchecked or source.content_length <= PART_BYTES:
                etag = self._whole(source_key, key, source, cache_control, acl)
            else:
                etag = self._in_parts(source_key, key, source, cache_control, acl)
            if is_unchecked and etag != source.etag:
                self._client.delete_object(Bucket=self._buckets.of(key), Key=key)
                raise PreconditionFailed("The object has another ETag.")
            return etag
        except (ClientError, BotoCoreError) as error:
            raise translate_of_copy(error) from error
        except KeyError as error:
            raise translate_missing(error) from error

    def _whole(
        self, source_key: str, key: str, source: ObjectHead, cache_control: str, acl: str | None
    ) -> str:
        own: Any = _acl(acl)
        if not self._server.form_keeps_headers:
            own |= {"MetadataDirective": "REPLACE", **_headers(source, cache_control)}
        answer = self._client.copy_object(
            Bucket=self._buckets.of(key),
            Key=key,
            CopySource={"Bucket": self._buckets.of(source_key), "Key": source_key},
            CopySourceIfMatch=source.etag,
            **own,
        )
        return _etag(answer["CopyObjectResult"])

    def _in_parts(
        self, source_key: str, key: str, source: ObjectHead, cache_control: str, acl: str | None
    ) -> str:
        created = self._client.create_multipart_upload(
            Bucket=self._buckets.of(key),
            Key=key,
            **_headers(source, cache_control),
            **_acl(acl),
        )
        upload_id = created["UploadId"]
        part_bytes = max(PART_BYTES, -(-source.content_length // MAX_PARTS))
        starts = range(0, source.content_length, part_bytes)

        def copy_part(number: int, start: int) -> dict[str, Any]:
            last = min(start + part_bytes, source.content_length) - 1
            answer = self._client.upload_part_copy(
                Bucket=self._buckets.of(key),
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                CopySource={"Bucket": self._buckets.of(source_key), "Key": source_key},
                CopySourceIfMatch=source.etag,
                CopySourceRange=f"bytes={start}-{last}",
            )
            return {"PartNumber": number, "ETag": f'"{_etag(answer["CopyPartResult"])}"'}

        try:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                parts: Any = list(pool.map(copy_part, range(1, len(starts) + 1), starts))
            answer = self._client.complete_multipart_upload(
                Bucket=self._buckets.of(key),
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
        except BaseException:
            # If this fails too, the bucket's lifecycle rule removes the parts.
            self._client.abort_multipart_upload(
                Bucket=self._buckets.of(key), Key=key, UploadId=upload_id
            )
            raise
        # Ceph 16 answers with an empty ETag.
        return _etag(answer) or _etag_of(parts)


def _etag_of(parts: Any) -> str:
    """Return the ETag of an object that was completed from parts, as S3 forms it."""
    digests = b"".join(bytes.fromhex(part["ETag"].strip('"')) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _was_sent_in_parts(source: ObjectHead) -> bool:
    """Check whether an object was completed from parts: its ETag ends with their number."""
    return "-" in source.etag


def _headers(source: ObjectHead, cache_control: str) -> Any:
    return {
        "ContentType": source.content_type,
        "CacheControl": cache_control,
        "Metadata": dict(source.metadata),
    }


def _acl(acl: str | None) -> Any:
    return {} if acl is None else {"ACL": acl}


def _etag(answer: Any) -> str:
    """Return the ETag; SeaweedFS answers without quotes, other servers with quotes."""
    etag: str = answer["ETag"]
    return etag.strip('"')
