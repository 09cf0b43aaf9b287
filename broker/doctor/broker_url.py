"""The broker's own public URL: does the API answer where clients are told that it is."""

from collections.abc import Iterator

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, skip, warn

CHECK = "broker-url"
SETTING = "BROKER_PUBLIC_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Ask for /healthz; only a warning, for the API may not have been started yet."""
    url = examination.settings.public_url
    if url is None:
        yield skip(CHECK, f"{SETTING} is not set; links are made for this machine alone")
        return
    try:
        answer = examination.browser.send("GET", f"{url}/healthz", follow=True)
        if answer.succeeded and b'"ok"' in answer.body:
            yield ok(CHECK, f"{url}/healthz answers")
            return
        said = f"answers {answer.status}, and not as the broker does"
    except Unreachable as error:
        said = f"does not answer: {error}"
    yield warn(
        CHECK,
        f"{url}/healthz {said}",
        setting=SETTING,
        fix=f"start the API, or set {SETTING} to where clients reach it",
    )
