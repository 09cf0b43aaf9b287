"""Check that the rate limits have a shared store, and that it answers."""

from collections.abc import Iterator

from broker.api.rate_limits.counts import StoreUnavailable
from broker.api.rate_limits.store import make_store
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, warn

CHECK = "rate-limits"
SETTING = "BROKER_RATE_LIMIT_STORAGE_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Make one round trip. Failures are only warnings: the API works without the store."""
    url = examination.settings.rate_limit_storage_url
    if url is None:
        yield warn(
            CHECK,
            "requests are not counted, so nobody is limited",
            setting=SETTING,
            fix=f"set {SETTING} to a Redis or Valkey that all processes share",
        )
        return
    try:
        make_store(url.get_secret_value()).check()
    except StoreUnavailable as error:
        yield warn(
            CHECK,
            f"the store does not answer ({error}), so nobody is limited",
            setting=SETTING,
            fix=f"start the store, or correct {SETTING}",
        )
        return
    yield ok(CHECK, "the store answers")
