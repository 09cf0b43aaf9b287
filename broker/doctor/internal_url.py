"""The internal URL: does an S3 server answer where the broker itself talks to it."""

from collections.abc import Iterator

from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok

CHECK = "internal-url"
SETTING = "BROKER_S3_ENDPOINT_URL"


def check(examination: Examination) -> Iterator[Finding]:
    """Ask it anything; every S3 server answers, be it with a refusal."""
    url = examination.probe.endpoint_url
    try:
        answer = examination.endpoint_answer
    except Unreachable as error:
        yield fail(
            CHECK,
            f"{url} does not answer: {error}",
            setting=SETTING,
            fix=f"start the S3 server, or set {SETTING} to where it listens",
        )
        return
    if not answer.succeeded and answer.code is None and not 300 <= answer.status < 400:
        yield fail(
            CHECK,
            f"{url} answers {answer.status}, and not as an S3 server does",
            setting=SETTING,
            fix=f"set {SETTING} to the S3 server itself, without a path or a bucket's name",
        )
        return
    server = answer.headers.get("Server")
    yield ok(CHECK, f"{url} answers" + (f" ({server[:40]})" if server else ""))
