"""A presigned PUT: is it taken, written once, no copy, and may pages read the answer's ETag."""

from collections.abc import Iterator

from broker.doctor import cors, refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.object_keys import written_key
from broker.domain.transports import PUT
from broker.services.tickets.sign import Ticket

CHECK, ETAG = "put", "etag"


def check(examination: Examination) -> Iterator[Finding]:
    """PUT the photo twice, and once as a copy: but for the first all must be refused.

    S3: If-None-Match, 412; and x-amz-copy-source, as all of x-amz-*, must be signed.
    """
    trial, origin = examination.trial, refusal.origin(examination)
    ticket = trial.issue(PUT)
    try:
        answer = trial.send(ticket, origin)
        if not answer.succeeded:
            yield refusal.of_upload(CHECK, examination, answer, PUT)
            return
        again = trial.send(ticket, origin)
        copied = _copied(examination, ticket)
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
    if copied:
        yield warn(
            CHECK,
            "with x-amz-copy-source, which is not signed, it copies another object: whoever has"
            " a ticket for a PUT may replace their photo once it is confirmed",
            setting="AWS_ACCESS_KEY_ID",
            fix="use credentials with the policy that broker bucket iam api prints; no policy"
            " binds a server's root user",
        )
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


def _copied(examination: Examination, source: Ticket) -> bool:
    """Tell whether the bucket copies what was sent to another object's PUT (MinIO does)."""
    trial = examination.trial
    key = written_key(trial.limits, source.upload)
    header = {"x-amz-copy-source": f"/{examination.settings.s3_bucket}/{key}"}
    answer = trial.send(trial.issue(PUT), None, **header)
    # A server that only takes the header for nothing stores the body, and says nothing.
    return answer.succeeded and answer.element("ETag") is not None
