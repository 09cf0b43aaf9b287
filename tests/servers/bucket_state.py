"""Whether a bucket is empty, and its configuration, read before each test that reuses a bucket.

The URLs are presigned once. With boto3 the requests would need six times the CPU.
"""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import urllib3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WEEK_SECONDS = 7 * 24 * 3600
CONFIGURATION = ("get_bucket_policy", "get_bucket_cors", "get_bucket_lifecycle_configuration")
CODE = re.compile(rb"<Code>[^<]*</Code>")


class BucketState:
    """Reads one bucket.

    All methods raise urllib3's HTTPError if the server does not answer.
    """

    def __init__(self, client: "S3Client", pool: urllib3.PoolManager, bucket: str) -> None:
        def presigned(operation: str) -> str:
            return client.generate_presigned_url(
                operation, Params={"Bucket": bucket}, ExpiresIn=WEEK_SECONDS
            )

        self._pool = pool
        self._objects = presigned("list_objects_v2")
        self._uploads = presigned("list_multipart_uploads")
        self._configuration = [presigned(operation) for operation in CONFIGURATION]

    def has_objects(self) -> bool:
        """Check whether there is an object."""
        return b"<Contents>" in self._listing(self._objects)

    def has_uploads(self) -> bool:
        """Check whether a multipart upload has been begun."""
        return b"<Upload>" in self._listing(self._uploads)

    def configuration(self) -> list[bytes]:
        """Return policy, CORS and lifecycle; instead of a missing one the code of the error."""
        return [self._read(url) for url in self._configuration]

    def _listing(self, url: str) -> bytes:
        status, body = self._get(url)
        if status != HTTPStatus.OK:
            raise urllib3.exceptions.HTTPError(f"The bucket answers {status} to a listing.")
        return body

    def _read(self, url: str) -> bytes:
        status, body = self._get(url)
        if status == HTTPStatus.OK:
            return body
        found = CODE.search(body)
        return found[0] if found else str(status).encode()

    def _get(self, url: str) -> tuple[int, bytes]:
        answer = self._pool.request("GET", url, retries=False, redirect=False)
        return answer.status, answer.data
