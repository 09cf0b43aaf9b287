"""HeadObject and HeadBucket: signed here and sent by urllib3. Every confirm waits for a HeadObject.

boto3 needs five times the CPU to sign and send a HEAD, which is more than the rest of a confirm.
Less frequent calls go through boto3.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from cachetools import TTLCache
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import beside
from broker.domain.storage_errors import (
    BucketMissing,
    ObjectBusy,
    ObjectRefused,
    StorageError,
    StorageUnavailable,
)
from broker.storage.circuit_breaker import CircuitBreaker
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
        attempts: the maximum number of times that a HEAD is sent.
    """

    def __init__(
        self,
        *,
        bucket_url: str,
        region: str,
        credentials: Callable[[], Credentials],
        timeout: urllib3.Timeout,
        connections: int,
        attempts: int,
        ca_bundle: str | None,
    ) -> None:
        base = urlsplit(bucket_url)
        self._path = base.path.rstrip("/")
        self._host = host_header(base.scheme, base.netloc)
        self._region = region
        self._credentials = credentials
        self._breaker = CircuitBreaker()
        self._busy: TTLCache[str, CircuitBreaker] = TTLCache(BUSY_KEYS_MAX, BUSY_KEYS_SECONDS)
        self._lock = threading.Lock()
        self._retries = urllib3.Retry(
            total=attempts - 1,
            redirect=0,
            raise_on_redirect=False,
            status_forcelist=_AGAIN,
            raise_on_status=False,
            backoff_factor=0.1,
            # A busy MinIO asks clients to wait a minute. A thread cannot sleep that long, so the
            # client gets a 503 and tries again.
            respect_retry_after_header=False,
        )
        proxy = get_environ_proxies(bucket_url).get(base.scheme)
        manager = (
            urllib3.ProxyManager(proxy, ca_certs=ca_bundle or get_cert_path(True))
            if proxy
            else urllib3.PoolManager(ca_certs=ca_bundle or get_cert_path(True))
        )
        manager.connection_pool_kw.update(timeout=timeout, maxsize=connections)
        origin = f"{base.scheme}://{base.netloc}"
        if proxy:
            self._send = partial(manager.request, "HEAD")
            self._before_path = origin
        else:
            # There is only one host. Looking up its pool takes as long as signing.
            pool = manager.connection_from_url(origin)
            self._send = partial(pool.urlopen, "HEAD", redirect=False)
            self._before_path = ""

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
                return _object_head(answer.headers)
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

    def _ask(self, key: str, *, checksum_mode: bool = True) -> urllib3.BaseHTTPResponse:
        path, headers = self._signed(key, checksum_mode=checksum_mode)
        with self._lock:
            busy = self._busy.get(key)
        if busy is not None and not busy.allows():
            raise ObjectBusy("The bucket does not answer for this object.")
        if not self._breaker.allows():
            raise StorageUnavailable("The bucket does not answer; try again.")
        try:
            answer = self._send(
                f"{self._before_path}{path}", headers=headers, retries=self._retries
            )
        except HTTPError as error:
            if not _is_timeout(error):
                self._breaker.answered()
            elif key and self._answers(beside(key)):
                self._breaker.answered()
                self._remember_busy(key)
                raise ObjectBusy("The bucket does not answer for this object.") from error
            else:
                self._breaker.timed_out()
            raise StorageUnavailable("The bucket does not answer; try again.") from error
        self._breaker.answered()
        if busy is not None:
            busy.answered()
        return answer

    def _remember_busy(self, key: str) -> None:
        """Let one thread at a time ask for this key, so that its client cannot occupy them all."""
        with self._lock:
            self._busy.setdefault(key, CircuitBreaker()).timed_out()

    def _answers(self, key: str) -> bool:
        """Check with one HEAD whether the bucket answers at all."""
        path, headers = self._signed(key)
        try:
            self._send(f"{self._before_path}{path}", headers=headers, retries=urllib3.Retry(0))
        except HTTPError:
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
            checksum_mode=checksum_mode,
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


def _is_timeout(error: HTTPError) -> bool:
    """Check whether the call timed out. A refused connection fails at once and does not count."""
    reason = getattr(error, "reason", None)
    # urllib3's NewConnectionError is a TimeoutError, too.
    return isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError)


def _object_head(headers: HTTPHeaderDict) -> ObjectHead:
    modified = headers.get("Last-Modified")
    return ObjectHead(
        content_length=int(_required(headers, "Content-Length")),
        content_type=headers.get("Content-Type", ""),
        etag=_required(headers, "ETag").strip('"'),
        checksum_sha256=headers.get("x-amz-checksum-sha256"),
        metadata={
            name.lower().removeprefix(_METADATA): value
            for name, value in headers.items()
            if name.lower().startswith(_METADATA)
        },
        last_modified=parsedate_to_datetime(modified) if modified else None,
        content_disposition=headers.get("Content-Disposition"),
        content_encoding=headers.get("Content-Encoding"),
        content_language=headers.get("Content-Language"),
    )


def _required(headers: HTTPHeaderDict, name: str) -> str:
    # `headers[name]` would raise KeyError with the name in lower case.
    if (value := headers.get(name)) is None:
        raise KeyError(name)
    return str(value)
