"""Objects as files on disk, for the worker. No other process reads or writes an object's bytes."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from broker.domain.s3_servers import OTHER, S3Server
from broker.domain.storage_errors import ObjectNotFound, StorageUnavailable
from broker.storage.buckets import ByKey
from broker.storage.translation import is_missing_key, translate_missing, translate_of_copy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILE_OPERATIONS = frozenset({"GetObject", "PutObject"})
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Downloaded:
    """A downloaded file: its size in bytes, and its SHA-256 in base64.

    `is_complete` is False if the object has more bytes than were allowed; the rest was not read.
    """

    size: int
    checksum_sha256: str
    is_complete: bool


class ObjectFiles:
    """Reads and writes objects; see `factory.object_files`.

    The methods raise StorageUnavailable and StorageDenied as those of `ObjectStorage` do.
    """

    def __init__(self, client: "S3Client", buckets: ByKey[str], server: S3Server = OTHER) -> None:
        self._client = client
        self._buckets = buckets
        self._server = server

    def download(
        self, key: str, target: Path, *, max_bytes: int, keep: Callable[[], None]
    ) -> Downloaded:
        """Send GetObject, and write the bytes to a file.

        Args:
            key: the object key.
            target: a file that does not exist.
            max_bytes: how many bytes are read at most.
            keep: called after each chunk. What it raises ends the download.

        Raises:
            ObjectNotFound: there is no object.
            ObjectRefused: the bucket refuses to send this object.
        """
        try:
            body = self._client.get_object(Bucket=self._buckets.of(key), Key=key)["Body"]
            with body, target.open("xb") as file:
                digest, size = hashlib.sha256(), 0
                while chunk := body.read(min(CHUNK_BYTES, max_bytes - size + 1)):
                    size += len(chunk)
                    if size > max_bytes:
                        break
                    digest.update(chunk)
                    file.write(chunk)
                    keep()
        except ClientError as error:
            if is_missing_key(error):
                raise ObjectNotFound("No object at this key.") from error
            raise translate_of_copy(error) from error
        except (BotoCoreError, HTTPError) as error:
            raise StorageUnavailable("The bucket does not answer; try again.") from error
        return Downloaded(
            size=min(size, max_bytes),
            checksum_sha256=base64.b64encode(digest.digest()).decode(),
            is_complete=size <= max_bytes,
        )

    def upload(
        self,
        file: BinaryIO,
        key: str,
        *,
        size: int,
        content_type: str,
        cache_control: str,
        checksum_sha256: str,
        metadata: dict[str, str],
        acl: str | None,
    ) -> str:
        """Send PutObject for a key that has no object; return the ETag.

        Raises:
            PreconditionFailed: there is an object at this key, and the server notices.
            ObjectRefused: the bytes do not have this digest, and the server compares it.
        """
        optional: Any = {} if acl is None else {"ACL": acl}
        if self._server.signs_digests:
            optional["ChecksumSHA256"] = checksum_sha256
        if self._server.writes_once:
            optional["IfNoneMatch"] = "*"
        try:
            answer = self._client.put_object(
                Bucket=self._buckets.of(key),
                Key=key,
                Body=file,
                ContentLength=size,
                ContentType=content_type,
                CacheControl=cache_control,
                Metadata=metadata,
                **optional,
            )
            return answer["ETag"].strip('"')
        except (ClientError, BotoCoreError) as error:
            raise translate_of_copy(error) from error
        except KeyError as error:
            raise translate_missing(error) from error
