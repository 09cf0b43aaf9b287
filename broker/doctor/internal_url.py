"""Check that an S3 server answers at the internal URL, which the broker itself uses."""

from collections.abc import Iterator

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok

CHECK = "internal-url"
SETTING = "BROKER_S3_ENDPOINT_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Request the endpoint. Every S3 server answers, at least with an error."""
    url = examination.probe.endpoint_url
    try:
        answer = examination.endpoint_answer
    except Unreachable as error:
        yield fail(
            CHECK,
            f"{url} does not answer: {error}",
            setting=SETTING,
            fix=f"start the S3 server, or set {SETTING} to its address",
        )
        return
    if not answer.succeeded and answer.code is None and not 300 <= answer.status < 400:
        yield fail(
            CHECK,
            f"{url} answers {answer.status}, but it is not an S3 server",
            setting=SETTING,
            fix=f"set {SETTING} to the S3 server's root, without a path or bucket name",
        )
        return
    server = answer.headers.get("Server")
    yield ok(CHECK, f"{url} answers" + (f" ({server[:40]})" if server else ""))
