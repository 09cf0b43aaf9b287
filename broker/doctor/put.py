"""A presigned PUT: is it taken, written once, and may pages read the answer's ETag."""

from collections.abc import Iterator

from broker.doctor import cors, refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.transports import Transport

CHECK, ETAG = "put", "etag"


def check(examination: Examination) -> Iterator[Finding]:
    """PUT the photo twice: the second time must be refused (S3: If-None-Match, 412)."""
    trial, origin = examination.trial, refusal.origin(examination)
    ticket = trial.issue(Transport.PUT)
    try:
        answer = trial.send(ticket, origin)
        if not answer.succeeded:
            yield refusal.of_upload(CHECK, examination, answer, Transport.PUT)
            return
        again = trial.send(ticket, origin)
    except Unreachable as error:
        yield refusal.unreachable(CHECK, examination, error)
        return
    if again.succeeded:
        yield warn(
            CHECK,
            "taken, but a second PUT writes over the first: If-None-Match is ignored",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that obeys If-None-Match on PUT (docs/s3-servers.md)",
        )
    else:
        yield ok(CHECK, f"taken once; a second time is refused: {again.said}")
    if origin is None:
        yield skip(ETAG, f"{cors.SETTING} names no origin")
    elif cors.exposes_etag(answer, origin):
        yield ok(ETAG, f"pages of {origin} may read the ETag of what they sent")
    else:
        yield fail(
            ETAG,
            f"pages of {origin} may not read the ETag of what they sent, and so no parts",
            setting=cors.SETTING,
            fix="broker bucket apply; else let the bucket's CORS rule expose ETag",
        )
