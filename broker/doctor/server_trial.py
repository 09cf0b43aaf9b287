"""Find out what the server does differently from Amazon S3, without a look at the settings' row."""

from dataclasses import replace

from broker.doctor import refusal
from broker.doctor.browser import Answer
from broker.doctor.examination import Examination
from broker.doctor.trial import Trial
from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import written_key
from broker.domain.s3_servers import OTHER, Digests, S3Server
from broker.domain.s3_servers.facts import Facts
from broker.domain.storage_errors import PreconditionFailed, StorageError
from broker.domain.transports import POST, PUT
from broker.services.tickets.sign import Ticket
from broker.storage.protocol import Storage

NAMES_BUCKET = replace(OTHER, form_names_bucket=True)
OVERWRITES = replace(OTHER, writes_once=False)
# What is left out of a PUT, one by one, until the server takes it.
PUTS = (OTHER, OVERWRITES, replace(OVERWRITES, digests=Digests.REFUSED))


def try_out(examination: Examination) -> Facts | None:
    """Send forms, PUTs, a HEAD and a copy; raise Unreachable if the server does not answer.

    Return None if the server takes nothing.
    """
    trial, storage = examination.trial, examination.plain_storage
    takes_forms, names_bucket = _forms(trial)
    sent = _first_put(trial)
    if sent is None:
        return Facts(takes_forms=True, form_names_bucket=names_bucket) if takes_forms else None
    ticket, signed_as = sent
    head = _head(storage, written_key(trial.limits, ticket.upload))
    return Facts(
        takes_forms=takes_forms,
        form_names_bucket=names_bucket,
        writes_once=signed_as.writes_once and not refusal.granted(trial.send(ticket, None)),
        digests=_digests(trial, signed_as, head),
        checks_copies=None if head is None else _checks_copies(trial, storage, ticket, head),
    )


def _forms(trial: Trial) -> tuple[bool, bool | None]:
    """Return whether the server takes a form, and whether the form must name the bucket."""
    for row in (OTHER, NAMES_BUCKET):
        if _is_taken(trial.send(trial.issue(POST, server=row), None)):
            return True, row.form_names_bucket
    return False, None


def _first_put(trial: Trial) -> tuple[Ticket, S3Server] | None:
    """Return the first PUT that the server takes, and the row that it was signed for."""
    for row in PUTS:
        ticket = trial.issue(PUT, server=row)
        if _is_taken(trial.send(ticket, None)):
            return ticket, row
    return None


def _is_taken(answer: Answer) -> bool:
    """Check whether the request was granted. A server without a feature may answer 501."""
    return answer.status != 501 and refusal.granted(answer)


def _head(storage: Storage, key: str) -> ObjectHead | None:
    try:
        return storage.head(key)
    except StorageError:
        return None


def _digests(trial: Trial, signed_as: S3Server, head: ObjectHead | None) -> Digests | None:
    if not signed_as.signs_digests:
        return Digests.REFUSED
    wrong = trial.issue(PUT, server=signed_as)
    if refusal.granted(trial.send_wrong(wrong)):
        return Digests.IGNORED
    if head is None:
        return None
    return Digests.ENFORCED if head.checksum_sha256 is None else Digests.RETURNED


def _checks_copies(trial: Trial, storage: Storage, ticket: Ticket, head: ObjectHead) -> bool | None:
    """Copy the photo below `incoming/` on the condition that it has another ETag."""
    try:
        storage.copy(
            written_key(trial.limits, ticket.upload),
            trial.incoming_key("copied.png"),
            source=replace(head, etag="0" * 32),
            cache_control=trial.limits.profiles.ad_image.cache_control,
        )
    except PreconditionFailed:
        return True
    except StorageError:
        return None
    return False
