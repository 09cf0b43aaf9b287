"""Find out where anyone may read an object that must not be public.

A bucket can be public without a policy: Garage's website access and a public bucket of Cloudflare
R2 expose all of it at another address.
"""

from urllib.parse import urlsplit, urlunsplit

from broker.doctor import refusal
from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail


def exposed(
    check: str, examination: Examination, key: str, contents: str, *, etag: str | None = None
) -> Finding | None:
    """Return a failure if anyone may read the object at the bucket's or the media's address.

    Args:
        check: the check that reports it.
        examination: the run.
        key: the full key of an object: a photo, or one with this `etag`.
        contents: what has such keys, for the finding.
        etag: the object's ETag without quotes, if it may be no photo.
    """
    folder = f"{key.partition('/')[0]}/"
    base = examination.public_url.rstrip("/")
    if refusal.granted(examination.browser.send("GET", f"{base}/{key}")):
        return fail(
            check,
            f"anyone may read {folder}, which has {contents}",
            setting="BROKER_MEDIA_LOCATION",
            fix="broker bucket apply; then let the policy allow only the location, not /*",
        )
    for address in _media_addresses(examination):
        if _serves(examination, address, key, etag):
            return fail(
                check,
                f"anyone may read {folder} at {address}, which has {contents}",
                setting="BROKER_MEDIA_URL",
                fix="set BROKER_S3_INCOMING_BUCKET to a private bucket; or keep this one private:"
                " turn off website access (Garage) or public access (R2), which expose all of a"
                " bucket, and serve only the location through a proxy (docs/operations/media.md)",
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


def _serves(examination: Examination, address: str, key: str, etag: str | None) -> bool:
    """Check whether the object is there. Some sites answer any path with a page or an image."""
    found = _read(examination, f"{address}/{key}")
    if found is None or not found.succeeded:
        return False
    if etag is not None and found.headers.get("ETag", "").strip('"') == etag:
        return True
    return _is_photo(found) and not _is_photo(_read(examination, f"{address}/{key}.absent"))


def _read(examination: Examination, url: str) -> Answer | None:
    try:
        return examination.browser.send("GET", url)
    except Unreachable:
        return None  # the check of public reads reports it


def _is_photo(answer: Answer | None) -> bool:
    # A CDN may have converted the photo.
    return answer is not None and answer.succeeded and answer.content_type.startswith("image/")
