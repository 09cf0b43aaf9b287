"""Check that unconfirmed uploads are private.

A bucket can be public without a policy: Garage's website access and a public bucket of Cloudflare
R2 expose all of it at another address.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from broker.doctor import refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.domain.errors import BrokerError
from broker.domain.object_keys import written_key
from broker.domain.storage_errors import StorageError
from broker.domain.transports import transport_named

CHECK = "incoming"


def check(examination: Examination) -> Iterator[Finding]:
    """Send a photo without a digest. Nobody may read it before the broker promotes it."""
    trial, settings = examination.trial, examination.settings
    transport = transport_named(settings.default_transport)
    ticket = trial.issue(transport, pinned=False)
    answer = trial.send(ticket, refusal.origin(examination))
    if not answer.succeeded:
        yield refusal.of_upload(CHECK, examination, answer, transport)
        return
    exposed = _exposed(examination, written_key(trial.limits, ticket.upload))
    if exposed is not None:
        yield exposed
    try:
        trial.confirm(ticket)
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:GetObject and s3:PutObject")
    except BrokerError as error:
        yield fail(
            CHECK,
            f"an upload without a digest cannot be confirmed: {error.detail}",
            setting="BROKER_REQUIRE_CHECKSUM",
            fix="BROKER_REQUIRE_CHECKSUM=True",
        )
    else:
        if exposed is None:
            inspects = trial.limits.inspects
            then = "it waits for a worker" if inspects else "promoted by a copy at the confirm"
            yield ok(CHECK, f"refused without credentials; {then}")


def _exposed(examination: Examination, key: str) -> Finding | None:
    """Return a failure if anyone may read the object at the bucket's or the media's address."""
    base = examination.public_url.rstrip("/")
    if refusal.granted(examination.browser.send("GET", f"{base}/{key}")):
        return fail(
            CHECK,
            "anyone may read incoming/, which has unconfirmed uploads",
            setting="BROKER_MEDIA_LOCATION",
            fix="broker bucket apply; then let the policy allow only the location, not /*",
        )
    for address in _media_addresses(examination):
        if _serves(examination, address, key):
            return fail(
                CHECK,
                f"anyone may read incoming/ at {address}, which has unconfirmed uploads",
                setting="BROKER_MEDIA_URL",
                fix="keep the bucket private: turn off website access (Garage) or public access"
                " (R2), which expose all of a bucket, and serve only the location through a proxy"
                " (docs/operations/media.md)",
            )
    return None


def _media_addresses(examination: Examination) -> list[str]:
    """Return possible addresses of the bucket's root: above the location, and the host's root."""
    settings = examination.settings
    if settings.media_url is None:
        return []
    url = urlsplit(settings.media_url)
    path = url.path.rstrip("/").removesuffix(f"/{settings.media_location}")
    paths = dict.fromkeys((path, url.path.rstrip("/"), ""))
    return [urlunsplit((url.scheme, url.netloc, path, "", "")) for path in paths]


def _serves(examination: Examination, address: str, key: str) -> bool:
    """Check whether the object is there. Some sites answer any path with a page or an image."""
    return _is_photo(examination, f"{address}/{key}") and not _is_photo(
        examination, f"{address}/{key}.absent"
    )


def _is_photo(examination: Examination, url: str) -> bool:
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable:
        return False  # the check of public reads reports it
    # A CDN may have converted the photo.
    return answer.succeeded and answer.content_type.startswith("image/")
