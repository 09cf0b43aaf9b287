"""One real ticket: issued, sent and confirmed by what the API and its clients use."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.domain.errors import ObjectMismatch, ObjectMissing, StorageError
from broker.domain.transports import Transport

CHECK = "ticket"


def check(examination: Examination) -> Iterator[Finding]:
    """Send the photo by the default transport, and have the confirm service record it."""
    transport, trial = Transport(examination.settings.default_transport), examination.trial
    ticket = trial.issue(transport)
    try:
        answer = trial.send(ticket, refusal.origin(examination))
    except Unreachable as error:
        yield refusal.unreachable(CHECK, examination, error)
        return
    if not answer.succeeded:
        yield refusal.of_upload(CHECK, examination, answer, transport)
        return
    try:
        trial.confirm(ticket)
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:GetObject")
    except ObjectMissing:
        yield fail(
            CHECK,
            "what was sent to the public URL is not in the bucket of the internal URL",
            setting=examination.public_setting,
            fix="set BROKER_S3_PUBLIC_URL and BROKER_S3_ENDPOINT_URL to one and the same server",
        )
    except ObjectMismatch as error:
        yield fail(
            CHECK,
            f"the bucket does not keep what was declared: {error.detail}",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that keeps metadata and SHA-256 checksums",
        )
    else:
        yield ok(CHECK, f"issued, sent by {transport.upper()} and confirmed")
