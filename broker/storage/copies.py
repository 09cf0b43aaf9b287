"""Copy objects, if the source still has the ETag that was checked.

CopyObject is limited to 5 GiB, and a server may not answer until the copy is finished. So a large
object is copied in parts, each by a short request.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broker.domain.object_head import ObjectHead
from broker.domain.part_plan import MAX_PARTS
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

    def __init__(self, client: "S3Client", buckets: ByKey[str]) -> None:
        self._client = client
        self._buckets = buckets

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
        try:
            if source.content_length <= PART_BYTES:
                return self._whole(source_key, key, source, acl)
            return self._in_parts(source_key, key, source, cache_control, acl)
        except (ClientError, BotoCoreError) as error:
            raise translate_of_copy(error) from error
        except KeyError as error:
            raise translate_missing(error) from error

    def _whole(self, source_key: str, key: str, source: ObjectHead, acl: str | None) -> str:
        answer = self._client.copy_object(
            Bucket=self._buckets.of(key),
            Key=key,
            CopySource={"Bucket": self._buckets.of(source_key), "Key": source_key},
            CopySourceIfMatch=source.etag,
            **_acl(acl),
        )
        return _etag(answer["CopyObjectResult"])

    def _in_parts(
        self, source_key: str, key: str, source: ObjectHead, cache_control: str, acl: str | None
    ) -> str:
        created = self._client.create_multipart_upload(
            Bucket=self._buckets.of(key),
            Key=key,
            ContentType=source.content_type,
            CacheControl=cache_control,
            Metadata=dict(source.metadata),
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
        return _etag(answer)


def _acl(acl: str | None) -> Any:
    return {} if acl is None else {"ACL": acl}


def _etag(answer: Any) -> str:
    """Return the ETag; SeaweedFS answers without quotes, other servers with quotes."""
    etag: str = answer["ETag"]
    return etag.strip('"')
