"""Presign the requests that clients send to the bucket. No call to the bucket is made."""

from collections.abc import Callable
from datetime import datetime

from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.post_policy import PostForm
from broker.domain.put_request import SHA256_HEADER, PartsRequest, PutRequest
from broker.storage.buckets import ByKey
from broker.storage.signed_urls import sign_parts, sign_put
from broker.storage.sigv4 import Credentials, Signer, sign_post


class S3Presigner:
    """Presigns forms and URLs.

    Args:
        buckets: the names of the buckets.
        credentials: return the current ones; raise StorageDenied if there are none.
        bucket_urls: where clients reach the buckets. Forms go there, and URLs begin with it.
    """

    def __init__(
        self,
        *,
        buckets: ByKey[str],
        region: str,
        credentials: Callable[[], Credentials],
        bucket_urls: ByKey[str],
    ) -> None:
        self.bucket_urls = bucket_urls
        self.bucket_url = bucket_urls.incoming
        self._buckets = buckets
        self._region = region
        self._credentials = credentials
        self._last: tuple[datetime, Signer] | None = None

    def presign_post(self, form: PostForm, now: datetime) -> PresignedPost:
        """See Presigner."""
        key = form.fields["key"]
        fields = sign_post(form, bucket=self._buckets.of(key), signer=self._signer_at(now))
        return PresignedPost(url=self.bucket_urls.of(key), fields=fields)

    def presign_put(self, request: PutRequest, now: datetime) -> PresignedPut:
        """See Presigner."""
        bucket_url = self.bucket_urls.of(request.object_key)
        url = sign_put(request, bucket_url=bucket_url, signer=self._signer_at(now))
        return PresignedPut(url=url, headers=dict(request.headers))

    def presign_parts(self, request: PartsRequest, now: datetime) -> list[PresignedPut]:
        """See Presigner."""
        bucket_url = self.bucket_urls.of(request.object_key)
        urls = sign_parts(request, bucket_url=bucket_url, signer=self._signer_at(now))
        return [
            PresignedPut(
                url=url,
                headers={}
                if part.checksum_sha256 is None
                else {SHA256_HEADER: part.checksum_sha256},
            )
            for url, part in zip(urls, request.parts, strict=True)
        ]

    def _signer_at(self, now: datetime) -> Signer:
        """Return a signer, the same for all calls with the same `now`."""
        last = self._last
        if last is None or last[0] is not now:
            signer = Signer(region=self._region, credentials=self._credentials(), now=now)
            self._last = last = (now, signer)
        return last[1]
