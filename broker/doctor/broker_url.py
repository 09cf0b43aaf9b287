"""Check that the API answers at the broker's public URL."""

from collections.abc import Iterator

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, skip, warn

CHECK = "broker-url"
SETTING = "BROKER_PUBLIC_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Request /healthz. A failure is only a warning: the API may not be running yet."""
    url = examination.settings.public_url
    if url is None:
        yield skip(CHECK, f"{SETTING} is not set, so links work on this machine only")
        return
    try:
        answer = examination.browser.send("GET", f"{url}/healthz", follow=True)
        if answer.succeeded and b'"ok"' in answer.body:
            yield ok(CHECK, f"{url}/healthz answers")
            return
        problem = f"answers {answer.status}, but it is not the broker"
    except Unreachable as error:
        problem = f"does not answer: {error}"
    yield warn(
        CHECK,
        f"{url}/healthz {problem}",
        setting=SETTING,
        fix=f"start the API, or set {SETTING} to the API's address for clients",
    )
