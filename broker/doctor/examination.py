"""What the checks of one run share: settings, the bucket, the answers that several of them read."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from broker.config import Settings
from broker.doctor.browser import Answer, Browser
from broker.doctor.trial import Trial
from broker.services.tickets.sign import Ticket
from broker.storage.probe import Probe
from broker.storage.protocol import Storage


def utc_now() -> datetime:
    """Read this machine's clock, in aware UTC."""
    return datetime.now(UTC)


class Examination:
    """One run of the doctor; leaving it removes what the run has put into the bucket.

    Args:
        public_at: where the bucket's public URL is reached from here, if not where it says.
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
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def probe(self) -> Probe:
        """Set boto3 up as the API does; raises ChainFault."""
        return Probe(self.settings)

    @cached_property
    def endpoint_answer(self) -> Answer:
        """Ask the internal URL without credentials, once; raises Unreachable or StorageDenied."""
        return self._inside.send("GET", f"{self.probe.endpoint_url}/")

    @cached_property
    def signed_answer(self) -> Answer:
        """Ask the bucket with the broker's credentials, once; raises as above."""
        request = self.probe.signed_list()
        return self._inside.send("GET", request.url, headers=request.headers)

    @cached_property
    def trial(self) -> Trial:
        """Begin the trial upload; what it writes is removed when the examination ends."""
        made = Trial(self.probe.storage, self.settings.limits, self.browser, self.now)
        return self._stack.enter_context(made)

    @property
    def public_url(self) -> str:
        """Give the bucket's URL as browsers have it."""
        return self.probe.storage.presigner.bucket_url

    @property
    def public_setting(self) -> str:
        """Name the setting that the public URL comes from."""
        if self.settings.s3_public_url is not None:
            return "BROKER_S3_PUBLIC_URL"
        return "BROKER_S3_ENDPOINT_URL"

    def public_storage(self) -> Storage:
        """Give the bucket of the public URL, should it not be the internal URL's."""
        public = {"s3_endpoint_url": self.settings.s3_public_url}
        return Probe(self.settings.model_copy(update=public)).storage

    @cached_property
    def _inside(self) -> Browser:
        """Give what asks as the broker itself: with boto3's certificates."""
        return Browser(self.probe.ca_bundle)
