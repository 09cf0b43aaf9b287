"""Check multipart uploads: create one, send a part with wrong and right bytes, abort it."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.doctor.trial import PHOTO
from broker.domain.storage_errors import StorageError
from broker.domain.transports import MULTIPART
from broker.services.tickets.sign import Ticket

CHECK = "multipart"


def check(examination: Examination) -> Iterator[Finding]:
    """Create a multipart upload, send its part twice, and abort the upload.

    S3 refuses the part whose bytes differ from the signed digest.
    """
    trial = examination.trial
    ticket = trial.issue(MULTIPART)
    answer: Answer | None = None
    wrong: Answer | None = None
    try:
        part = trial.sign_part(ticket)
        wrong = examination.browser.send(
            "PUT", part.url, headers=part.headers, body=bytes(reversed(PHOTO))
        )
        answer = examination.browser.send("PUT", part.url, headers=part.headers, body=PHOTO)
        if not answer.succeeded:
            yield refusal.of_upload(CHECK, examination, answer, MULTIPART)
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:PutObject")
        return
    except Unreachable as error:
        yield refusal.unreachable(CHECK, examination, error)
    finally:
        # Even if the run is interrupted here, because leftover parts cost money, and listings hide
        # them.
        left = _abort(examination, ticket)
    if isinstance(left, StorageError):
        yield refusal.of_broker(CHECK, examination, left, "s3:ListMultipartUploadParts")
    elif left:
        yield fail(
            CHECK,
            "a multipart upload cannot be aborted, so its parts stay and cost money",
            setting="AWS_ACCESS_KEY_ID",
            fix=f"allow s3:AbortMultipartUpload on {examination.all_objects} to these credentials",
        )
    elif answer is not None and answer.succeeded and wrong is not None and wrong.succeeded:
        if trial.limits.inspects:
            yield ok(CHECK, "created, one part sent, aborted; a worker finds wrong bytes")
            return
        yield warn(
            CHECK,
            "this server accepts parts with other bytes than their digest: large files are"
            " recorded without being verified, unless it returns a composite digest",
            setting="BROKER_INSPECTION",
            fix=refusal.VERIFY,
        )
    elif answer is not None and answer.succeeded:
        yield ok(CHECK, "created, one part sent, wrong bytes refused, aborted")


def _abort(examination: Examination, ticket: Ticket) -> StorageError | bool:
    """Abort the upload. Return whether it still exists, or the error that prevents checking."""
    try:
        return not examination.trial.abort(ticket)
    except StorageError as error:
        return error
