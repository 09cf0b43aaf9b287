"""Delete an orphan, but only if the broker wrote it and no ticket can still need it."""

from dataclasses import replace
from datetime import datetime

from broker.domain.owners import longest_ticket_life
from broker.domain.reconciliation import Action, Difference, DifferenceKind
from broker.services.reconcile.known_keys import is_of_another_key, known_keys
from broker.services.reconcile.recheck import parse_upload_id
from broker.services.uploads import outbox
from broker.services.work import Work

TAKEN = "a row has this key now"


def delete_orphan(work: Work, found: Difference, *, before: datetime | None = None) -> Difference:
    """Delete the object of an orphan through the outbox; return the difference with the action.

    If the object is kept, `detail` says why. If S3 refuses to delete it now, it stays in the outbox
    for the reaper. Objects that were written at `before` or later are kept.
    """
    if found.kind is not DifferenceKind.ORPHAN:
        return found
    reason = _why_kept(work, found, before)
    if reason is not None:
        return replace(found, action=Action.KEPT, detail=reason)
    outbox.enqueue(work.session, found.key, now=work.now)
    work.session.commit()
    # The outbox looks for an image at this key right before it deletes.
    drained = outbox.drain(work, only_key=found.key)
    if found.key in known_keys(work, [found.key]).images:
        return replace(found, action=Action.KEPT, detail=TAKEN)
    return replace(found, action=Action.DELETED if drained.deleted else Action.QUEUED)


def _why_kept(work: Work, found: Difference, before: datetime | None) -> str | None:
    upload_id = parse_upload_id(found.upload_id)
    if upload_id is None:
        return found.detail
    life = longest_ticket_life(work.limits)
    if found.last_modified is None or work.now - found.last_modified <= life:
        return f"younger than the longest life of a ticket, {life}"
    if before is not None and found.last_modified >= before:
        return f"not older than {before.isoformat()}"
    if is_of_another_key(work, upload_id, found.key):
        return f"a copy: upload {upload_id} has another key"
    if known_keys(work, [found.key]).knows(found.key):
        return TAKEN
    return None
