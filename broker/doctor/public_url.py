"""Check that the bucket's public URL, which browsers use, leads to an S3 server."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "public-url"
SETTING = "BROKER_S3_PUBLIC_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Request the bucket without credentials. A refusal is an answer, too."""
    url = examination.public_url
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable as error:
        yield fail(
            CHECK,
            f"{url} does not answer: {error}",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server's address for browsers",
        )
        return
    if not answer.succeeded and answer.code is None:
        yield fail(
            CHECK,
            f"{url} answers {answer.summary}, but it is not an S3 server",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server's root, without the bucket name",
        )
        return
    https = [one for one in examination.settings.cors_origins if one.startswith("https:")]
    if https and urlsplit(url).scheme == "http" and not _is_local(url):
        yield warn(
            CHECK,
            f"browsers do not let pages of {https[0]} send to an http URL",
            setting=examination.public_setting,
            fix=f"set {SETTING} to an https URL",
        )
    else:
        at = f", requested at {examination.public_at}" if examination.public_at else ""
        yield ok(CHECK, f"{url} answers {answer.summary}{at}")


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
