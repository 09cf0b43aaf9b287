"""Values that the checks of one run share: settings, the bucket, answers for several checks."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from broker.config import Settings
from broker.db.inspection_probe import Published
from broker.doctor.browser import Answer, Browser
from broker.doctor.trial import Trial
from broker.domain.s3_servers import OTHER
from broker.services.tickets.sign import Ticket
from broker.storage.buckets import ByKey
from broker.storage.probe import Probe
from broker.storage.protocol import Storage


def utc_now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)


class Examination:
    """One run of the doctor. Leaving the context removes the run's objects from the bucket.

    Args:
        settings: the settings of the deployment.
        now: return the current time, aware UTC.
        public_at: the address to use here instead of the bucket's public URL.
    """

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], datetime] = utc_now,
        public_at: str | None = None,
    ) -> None:
        self.settings = settings
        self.now = now
        self.public_at = public_at
        meant = settings.s3_public_url or settings.s3_endpoint_url
        self.browser = Browser(detour=(meant, public_at) if meant and public_at else None)
        self.ticket: Ticket | None = None
        # What anyone should be able to read; with inspection off, the photo of the trial.
        self.published: list[Published] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def probe(self) -> Probe:
        """The bucket as the API reaches it; raises ChainFault."""
        return Probe(self.settings)

    @cached_property
    def endpoint_answer(self) -> Answer:
        """The answer of the internal URL without credentials; raises Unreachable, StorageDenied."""
        return self._inside.send("GET", f"{self.probe.endpoint_url}/")

    @cached_property
    def signed_answer(self) -> Answer:
        """The bucket's answer to a signed request; raises Unreachable or StorageDenied."""
        return self.listed(self.probe.bucket_urls.media, f"{self.settings.media_location}/")

    def listed(self, bucket_url: str, prefix: str) -> Answer:
        """Return the answer of one bucket to a listing of one key; raises like `signed_answer`."""
        request = self.probe.signed_list(bucket_url, prefix)
        return self._inside.send("GET", request.url, headers=request.headers)

    @cached_property
    def trial(self) -> Trial:
        """The trial upload. Its objects are removed when the examination ends."""
        made = Trial(self.probe.storage, self.settings.limits, self.browser, self.now)
        return self._stack.enter_context(made)

    @property
    def public_url(self) -> str:
        """The URL for browsers of the bucket to which they send."""
        return self.public_urls.incoming

    @property
    def public_urls(self) -> ByKey[str]:
        """The buckets' URLs for browsers."""
        return self.probe.storage.presigner.bucket_urls

    @property
    def all_objects(self) -> str:
        """The ARNs of all objects, for findings about permissions."""
        names = self.probe.storage.buckets.each()
        return " and ".join(f"arn:aws:s3:::{name}/*" for name in names)

    @property
    def public_setting(self) -> str:
        """The name of the setting that the public URL comes from."""
        if self.settings.s3_public_url is not None:
            return "BROKER_S3_PUBLIC_URL"
        return "BROKER_S3_ENDPOINT_URL"

    @cached_property
    def plain_storage(self) -> Storage:
        """The bucket as the API reaches it without BROKER_S3_SERVER."""
        return Probe(self.settings.model_copy(update={"s3_server": OTHER.name})).storage

    def public_storage(self) -> Storage:
        """Return the bucket at the public URL, which may be on another server."""
        public = {"s3_endpoint_url": self.settings.s3_public_url}
        return Probe(self.settings.model_copy(update=public)).storage

    @cached_property
    def _inside(self) -> Browser:
        """A client for the internal URL, which trusts the same certificates as boto3."""
        return Browser(self.probe.ca_bundle)
