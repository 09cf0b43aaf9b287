"""Check that the buckets' public URLs, which browsers use, lead to an S3 server."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "public-url"
SETTING = "BROKER_S3_PUBLIC_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Request each bucket without credentials. A refusal is an answer, too."""
    for url in examination.public_urls.each():
        yield _finding(examination, url)


def _finding(examination: Examination, url: str) -> Finding:
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable as error:
        return fail(
            CHECK,
            f"{url} does not answer: {error}",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server's address for browsers",
        )
    if not answer.succeeded and answer.code is None:
        return fail(
            CHECK,
            f"{url} answers {answer.summary}, but it is not an S3 server",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server's root, without the bucket name",
        )
    https = [one for one in examination.settings.cors_origins if one.startswith("https:")]
    if https and urlsplit(url).scheme == "http" and not _is_local(url):
        return warn(
            CHECK,
            f"browsers do not let pages of {https[0]} send to an http URL",
            setting=examination.public_setting,
            fix=f"set {SETTING} to an https URL",
        )
    at = f", requested at {examination.public_at}" if examination.public_at else ""
    return ok(CHECK, f"{url} answers {answer.summary}{at}")


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
