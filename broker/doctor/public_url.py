"""The public URL: does what browsers are given lead to an S3 server, as seen from here."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "public-url"
SETTING = "BROKER_S3_PUBLIC_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Ask for the bucket without credentials; a refusal is an answer too."""
    url = examination.public_url
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable as error:
        yield fail(
            CHECK,
            f"{url} does not answer: {error}",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server's address as browsers know it",
        )
        return
    if not answer.succeeded and answer.code is None:
        yield fail(
            CHECK,
            f"{url} answers {answer.said}, and not as an S3 server does",
            setting=examination.public_setting,
            fix=f"set {SETTING} to the S3 server itself, without the bucket's name",
        )
        return
    https = [one for one in examination.settings.cors_origins if one.startswith("https:")]
    if https and urlsplit(url).scheme == "http" and not _is_local(url):
        yield warn(
            CHECK,
            f"browsers let no page of {https[0]} send to an http URL",
            setting=examination.public_setting,
            fix=f"set {SETTING} to an https URL",
        )
    else:
        at = f", asked at {examination.public_at}" if examination.public_at else ""
        yield ok(CHECK, f"{url} answers {answer.said}{at}")


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
