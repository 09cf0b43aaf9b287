"""Check presigned PUTs: accepted once, never as a copy, and pages may read the ETag."""

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
    """Send the photo twice, and once as a copy. Only the first request may succeed.

    S3 answers 412 because of If-None-Match, and refuses x-amz-* headers that are not signed.
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
    row = examination.settings.server
    if again.succeeded and not row.writes_once:
        yield ok(
            CHECK,
            "accepted; a second PUT overwrites the first, as on every"
            f" {row.title}; the confirm keeps what it has checked",
        )
    elif again.succeeded:
        yield warn(
            CHECK,
            "accepted, but a second PUT overwrites the first: the server ignores If-None-Match",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that supports If-None-Match on PUT (docs/s3-servers.md)",
        )
    else:
        yield ok(CHECK, f"accepted once; a second PUT is refused: {again.summary}")
    if copied:
        yield warn(
            CHECK,
            "an unsigned x-amz-copy-source header copies another object: a client with a PUT"
            " ticket may replace their photo after the confirm",
            setting="AWS_ACCESS_KEY_ID",
            fix="use credentials with the policy from broker bucket iam api; a server's root"
            " user is not bound by policies",
        )
    if origin is None:
        yield skip(ETAG, f"{cors.SETTING} names no origin")
    elif cors.exposes_etag(answer, origin):
        yield ok(ETAG, f"pages of {origin} may read the ETag of their uploads")
    else:
        yield fail(
            ETAG,
            f"pages of {origin} may not read the ETag, so they cannot send parts",
            setting=cors.SETTING,
            fix="broker bucket apply; or let the bucket's CORS rule expose ETag",
        )


def _copied(examination: Examination, source: Ticket) -> bool:
    """Check whether a PUT with x-amz-copy-source copies another object, as on MinIO."""
    trial = examination.trial
    key = written_key(trial.limits, source.upload)
    header = {"x-amz-copy-source": f"/{trial.storage.buckets.of(key)}/{key}"}
    answer = trial.send(trial.issue(PUT), None, **header)
    # A server that ignores the header stores the body and answers without an ETag element.
    return answer.succeeded and answer.element("ETag") is not None
