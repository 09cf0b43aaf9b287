"""Presign GETs of private objects, with a key that may read nothing else.

The API's own key may not read by presigned requests at all (`bucket_setup/iam.py`). No call to the
bucket is made.
"""

from datetime import datetime, timedelta

from broker.domain.content_disposition import attachment
from broker.domain.object_head import SignedUrl
from broker.domain.profiles import PRIVATE, PRIVATE_CACHE_CONTROL
from broker.storage.signed_urls import sign_get
from broker.storage.sigv4 import Credentials, Signer

URL_TTL = timedelta(seconds=300)


class PrivateReader:
    """Presigns GETs of one bucket's private objects.

    Args:
        region: the bucket's region.
        credentials: those of the second key.
        bucket_url: where clients reach the bucket. URLs begin with it.
    """

    def __init__(self, *, region: str, credentials: Credentials, bucket_url: str) -> None:
        self._region = region
        self._credentials = credentials
        self._bucket_url = bucket_url

    def url(
        self, object_key: str, *, file_name: str | None, content_type: str, now: datetime
    ) -> SignedUrl:
        """Return a URL with which anyone can download one private object for 300 seconds.

        S3 API: GetObject with `response-*` parameters, which are signed. So a browser always saves
        the file, with this type, and caches keep no copy.

        Args:
            object_key: the full key, `private/…`.
            file_name: the name for the download; None: the last segment of the key.
            content_type: the Content-Type of the response.
            now: the current time, aware UTC.

        Raises:
            ValueError: the key is not below `private/`.
        """
        if not object_key.startswith(f"{PRIVATE}/"):
            raise ValueError(f"{object_key!r} is not below {PRIVATE}/")
        name = file_name or object_key.rpartition("/")[2]
        url = sign_get(
            object_key,
            query={
                # Objects have it, too, but not those that were uploaded by other means.
                "response-cache-control": PRIVATE_CACHE_CONTROL,
                "response-content-disposition": attachment(name),
                "response-content-type": content_type,
            },
            expires_in=int(URL_TTL.total_seconds()),
            bucket_url=self._bucket_url,
            signer=Signer(region=self._region, credentials=self._credentials, now=now),
        )
        # The signature has whole seconds.
        return SignedUrl(url=url, expires_at=now.replace(microsecond=0) + URL_TTL)
