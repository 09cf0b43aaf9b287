"""Which bucket holds an object: decided here only, by the first segment of the object's key.

On some servers public reading applies to a whole bucket (Garage's website access, public buckets of
Cloudflare R2). There, BROKER_S3_INCOMING_BUCKET names a second bucket for all that must not be
public: `incoming/` and `private/`. Without that setting both are the same bucket.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit, urlunsplit

from broker.config import Settings
from broker.domain.object_keys import NOT_PUBLIC

Value = TypeVar("Value")
Made = TypeVar("Made")
_PREFIXES = tuple(f"{segment}/" for segment in NOT_PUBLIC)


@dataclass(frozen=True, kw_only=True)
class ByKey(Generic[Value]):
    """A value for each of the two buckets, such as its name or its URL.

    Attributes:
        media: of the bucket with the published objects that anyone may read.
        incoming: of the bucket with `incoming/` and `private/`; the same if there is only one.
    """

    media: Value
    incoming: Value

    def of(self, key: str) -> Value:
        """Return the value of the bucket that holds this object key, or keys with this prefix."""
        return self.incoming if key.startswith(_PREFIXES) else self.media

    @property
    def are_two(self) -> bool:
        """Whether there is a second bucket."""
        return self.media != self.incoming

    def each(self) -> tuple[Value, ...]:
        """Return the value of each bucket, once if there is only one."""
        return (self.media, self.incoming) if self.are_two else (self.media,)

    def map(self, make: Callable[[Value], Made]) -> "ByKey[Made]":
        """Return what `make` returns for each bucket; it is called once if there is only one."""
        media = make(self.media)
        return ByKey(media=media, incoming=make(self.incoming) if self.are_two else media)


def bucket_names(settings: Settings) -> ByKey[str]:
    """Return the names of the buckets."""
    media = settings.s3_bucket
    return ByKey(media=media, incoming=settings.s3_incoming_bucket or media)


def bucket_urls(settings: Settings, endpoint_url: str) -> ByKey[str]:
    """Return the buckets' URLs at an endpoint, as boto3 forms them for the addressing style."""
    parts = urlsplit(endpoint_url)
    path = parts.path.rstrip("/")

    def url(name: str) -> str:
        if settings.s3_addressing == "virtual":
            return urlunsplit((parts.scheme, f"{name}.{parts.netloc}", f"{path}/", "", ""))
        return urlunsplit((parts.scheme, parts.netloc, f"{path}/{name}", "", ""))

    return bucket_names(settings).map(url)
