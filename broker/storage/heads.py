"""HeadObject and HeadBucket, signed and sent without boto3. Every confirm waits for a HeadObject.

boto3 needs ten times the CPU to sign and send a HEAD, which is more than the rest of a confirm.
Less frequent calls go through boto3.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from cachetools import TTLCache

from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import beside
from broker.domain.storage_errors import (
    BucketMissing,
    ObjectBusy,
    ObjectRefused,
    StorageError,
    StorageUnavailable,
)
from broker.storage.bucket_connections import Answer, Connections
from broker.storage.circuit_breaker import CircuitBreaker
from broker.storage.http_head import BadAnswer
from broker.storage.sigv4 import Credentials, Signer, host_header, sign_head
from broker.storage.timing import observe
from broker.storage.translation import translate_missing, translate_status

_METADATA = "x-amz-meta-"
# On every server, HEAD is 400 if the client encrypted the object with its own key (SSE-C).
OBJECT_REFUSED = 400
_AGAIN = (500, 502, 503, 504)
# How many keys that do not answer are remembered, and for how many seconds.
BUSY_KEYS_MAX = 1000
BUSY_KEYS_SECONDS = 60


class ObjectHeads:
    """Requests the metadata of objects in one bucket.

    Args:
        bucket_url: where the broker reaches the bucket.
        credentials: return the current ones; raise StorageDenied if there are none.
        connections: to the server of `bucket_url`.
        attempts: the maximum number of times that a HEAD is sent.
        reads_digests: ask for the digest of an object (x-amz-checksum-mode), and return it.
    """

    def __init__(
        self,
        *,
        bucket_url: str,
        region: str,
        credentials: Callable[[], Credentials],
        connections: Connections,
        attempts: int,
        reads_digests: bool = True,
    ) -> None:
        base = urlsplit(bucket_url)
        self._path = base.path.rstrip("/")
        self._host = host_header(base.scheme, base.netloc)
        self._region = region
        self._credentials = credentials
        self._breaker = CircuitBreaker()
        self._busy: TTLCache[str, CircuitBreaker] = TTLCache(BUSY_KEYS_MAX, BUSY_KEYS_SECONDS)
        self._lock = threading.Lock()
        self._attempts = attempts
        self._reads_digests = reads_digests
        self._connections = connections

    def head(self, key: str) -> ObjectHead:
        """See ObjectStorage."""
        with _observed("HeadObject"):
            return self._head(key)

    def check(self) -> None:
        """See ObjectStorage. Uses the circuit breaker, because a request for a ticket may check."""
        with _observed("HeadBucket"):
            status = self._ask("").status
            if status == 404:
                raise BucketMissing("There is no such bucket at the endpoint.")
            if status != 200:
                raise translate_status(status, str(status))

    def _head(self, key: str) -> ObjectHead:
        answer = self._ask(key)
        if answer.status == 200:
            try:
                return _object_head(answer.headers, reads_digest=self._reads_digests)
            except KeyError as error:
                raise translate_missing(error) from error
            except ValueError as error:
                raise StorageUnavailable("The answer is not from an S3 server.") from error
        # The answer has no body that says why. If a HEAD for a missing key in the same folder is
        # 404, then only this object is refused. HeadBucket does not show this, because MinIO allows
        # it to credentials that may not read objects. A 403 is always about the credentials: with
        # credentials that may only list, S3 may answer 404 for a missing key.
        if answer.status == OBJECT_REFUSED and self._refuses_only(key):
            raise ObjectRefused(f"The bucket refuses to show the object: {answer.status}.")
        raise translate_status(answer.status, str(answer.status))

    def _refuses_only(self, key: str) -> bool:
        """Check whether the bucket refuses this object, and nothing else, for good.

        If a KMS key is disabled, S3 refuses the checksum of each object, but not a plain HEAD.
        """
        if self._ask(beside(key)).status != 404:
            return False
        return self._ask(key, checksum_mode=False).status == OBJECT_REFUSED

    def _ask(self, key: str, *, checksum_mode: bool = True) -> Answer:
        path, headers = self._signed(key, checksum_mode=checksum_mode)
        with self._lock:
            busy = self._busy.get(key)
        if busy is not None and not busy.allows():
            raise ObjectBusy("The bucket does not answer for this object.")
        if not self._breaker.allows():
            raise StorageUnavailable("The bucket does not answer; try again.")
        try:
            answer = self._send(path, headers) or self._send_again(key, path, headers)
        except (OSError, BadAnswer) as error:
            # Unlike a timeout, this takes no time.
            self._breaker.answered()
            raise StorageUnavailable("The bucket does not answer; try again.") from error
        self._breaker.answered()
        if busy is not None:
            busy.answered()
        return answer

    def _send(self, path: str, headers: dict[str, str]) -> Answer | None:
        """Send a HEAD, and once more after an error that may not come again.

        It does not wait in between. A busy MinIO asks clients to wait a minute with `Retry-After`,
        but a thread cannot sleep that long. So the client gets a 503 and tries again.

        Returns:
            None after a timeout.
        """
        try:
            for attempt in range(1, self._attempts):
                try:
                    answer = self._connections.head(path, headers, fresh=attempt > 1)
                except TimeoutError:
                    raise
                except (OSError, BadAnswer):
                    continue
                if answer.status not in _AGAIN:
                    return answer
            return self._connections.head(path, headers, fresh=self._attempts > 1)
        except TimeoutError:
            return None

    def _send_again(self, key: str, path: str, headers: dict[str, str]) -> Answer:
        """Send a HEAD again after a timeout, if the bucket answers for another key.

        If it does not, this thread has waited twice, and the circuit breaker keeps the others from
        waiting.
        """
        if not self._answers(key and beside(key)):
            self._breaker.timed_out()
            raise StorageUnavailable("The bucket does not answer; try again.")
        try:
            return self._connections.head(path, headers, fresh=True)
        except TimeoutError as error:
            self._breaker.answered()
            if not key:
                raise StorageUnavailable("The bucket does not answer; try again.") from error
            self._remember_busy(key)
            raise ObjectBusy("The bucket does not answer for this object.") from error

    def _remember_busy(self, key: str) -> None:
        """Let one thread at a time ask for this key, so that its client cannot occupy them all."""
        with self._lock:
            self._busy.setdefault(key, CircuitBreaker()).timed_out()

    def _answers(self, key: str) -> bool:
        """Check with one HEAD whether the bucket answers at all."""
        path, headers = self._signed(key)
        try:
            self._connections.head(path, headers, fresh=True)
        except (OSError, BadAnswer):
            return False
        return True

    def _signed(self, key: str, *, checksum_mode: bool = True) -> tuple[str, dict[str, str]]:
        return sign_head(
            bucket_path=self._path,
            host=self._host,
            object_key=key,
            signer=Signer(
                region=self._region, credentials=self._credentials(), now=datetime.now(UTC)
            ),
            checksum_mode=checksum_mode and self._reads_digests,
        )


@contextmanager
def _observed(operation: str) -> Iterator[None]:
    started = time.perf_counter()
    kind = None
    try:
        yield
    except StorageError as error:
        kind = error.code
        raise
    finally:
        observe(operation, time.perf_counter() - started, kind)


def _object_head(headers: Mapping[str, str], *, reads_digest: bool) -> ObjectHead:
    modified = headers.get("last-modified")
    return ObjectHead(
        content_length=int(_required(headers, "Content-Length")),
        content_type=headers.get("content-type", ""),
        etag=_required(headers, "ETag").strip('"'),
        checksum_sha256=headers.get("x-amz-checksum-sha256") if reads_digest else None,
        metadata={
            name.removeprefix(_METADATA): value
            for name, value in headers.items()
            if name.startswith(_METADATA)
        },
        last_modified=parsedate_to_datetime(modified) if modified else None,
        content_disposition=headers.get("content-disposition"),
        content_encoding=headers.get("content-encoding"),
        content_language=headers.get("content-language"),
    )


def _required(headers: Mapping[str, str], name: str) -> str:
    if (value := headers.get(name.lower())) is None:
        raise KeyError(name)
    return value
