"""Check one real ticket: issue it, send the photo, confirm it."""

from collections.abc import Iterator

from broker.db.inspection_probe import Published
from broker.doctor import refusal
from broker.doctor.browser import Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.domain.errors import ObjectMismatch, ObjectMissing
from broker.domain.storage_errors import StorageError
from broker.domain.transports import transport_named

SENT, CONFIRMED = "ticket", "confirm"


def sent(examination: Examination) -> Iterator[Finding]:
    """Issue a ticket and send the photo by the default transport."""
    transport = transport_named(examination.settings.limits.default_transport)
    trial = examination.trial
    examination.ticket = trial.issue(transport)
    try:
        answer = trial.send(examination.ticket, refusal.origin(examination))
    except Unreachable as error:
        yield refusal.unreachable(SENT, examination, error)
        return
    if answer.succeeded:
        yield ok(SENT, f"issued, and accepted by {transport.name.upper()}")
    else:
        yield refusal.of_upload(SENT, examination, answer, transport)


def confirmed(examination: Examination) -> Iterator[Finding]:
    """Call the confirm service. With inspection off, it records the image."""
    trial, ticket = examination.trial, examination.ticket
    if ticket is None:
        return
    try:
        image = trial.confirm(ticket)
    except StorageError as error:
        yield refusal.of_broker(CONFIRMED, examination, error, "s3:GetObject")
    except ObjectMissing:
        trial.stray_at = examination.public_storage()
        yield fail(
            CONFIRMED,
            "the photo was sent to the public URL, but is not in the bucket of the internal URL",
            setting=examination.public_setting,
            fix="set BROKER_S3_PUBLIC_URL and BROKER_S3_ENDPOINT_URL to the same server",
        )
    except ObjectMismatch as error:
        yield fail(
            CONFIRMED,
            f"the bucket does not keep the declared properties: {error.detail}",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that keeps the type and the metadata (docs/s3-servers.md)",
        )
    else:
        if image is None:
            yield ok(CONFIRMED, "the photo arrived; a worker would inspect it now")
            return
        examination.published = [
            Published(
                key=image.key,
                content_type=image.content_type,
                size=image.size,
                checksum_sha256=ticket.upload.checksum_sha256,
            )
        ]
        if not image.checksum_verified:
            yield warn(
                CONFIRMED,
                "this server returns no SHA-256: photos are recorded without being verified"
                " (checksum_verified is false)",
                setting="BROKER_INSPECTION",
                fix=refusal.VERIFY,
            )
            return
        yield ok(
            CONFIRMED, "published by a copy, and the image was recorded in a temporary database"
        )
