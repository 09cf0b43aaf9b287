"""Delete an orphan, if it is one of ours and no ticket can still need it; never anything else."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from broker.domain.limits import Limits
from broker.domain.reconciliation import Action, Difference, DifferenceKind
from broker.services.reconcile.known_keys import is_of_another_key, known_keys
from broker.services.reconcile.recheck import ours
from broker.services.uploads import outbox
from broker.storage.protocol import Storage

TAKEN = "a row has come to know it"


def delete_orphan(
    session: Session,
    storage: Storage,
    limits: Limits,
    found: Difference,
    *,
    now: datetime,
    before: datetime | None = None,
) -> Difference:
    """Delete the object of an orphan through the outbox; gives the difference with what was done.

    What is not deleted is kept, and `detail` says why; what was written at or after `before` is.
    What S3 refuses to delete now stays in the outbox, for the reaper.
    """
    if found.kind is not DifferenceKind.ORPHAN:
        return found
    reason = _why_kept(session, limits, found, now, before)
    if reason is not None:
        return replace(found, action=Action.KEPT, detail=reason)
    outbox.enqueue(session, found.key, now=now)
    session.commit()
    # The outbox looks for an image at this key right before it deletes.
    drained = outbox.drain(session, storage, limits, now=now, only_key=found.key)
    if found.key in known_keys(session, limits, [found.key]).images:
        return replace(found, action=Action.KEPT, detail=TAKEN)
    return replace(found, action=Action.DELETED if drained.deleted else Action.QUEUED)


def _why_kept(
    session: Session, limits: Limits, found: Difference, now: datetime, before: datetime | None
) -> str | None:
    upload_id = ours(found.upload_id)
    if upload_id is None:
        return "not the broker's"
    if found.last_modified is None or now - found.last_modified <= limits.longest_ticket_life:
        return f"younger than a ticket's longest life, {limits.longest_ticket_life}"
    if before is not None and found.last_modified >= before:
        return f"not older than {before.isoformat()}"
    if is_of_another_key(session, limits, upload_id, found.key):
        return f"a copy of upload {upload_id}, whose own key is another one"
    if known_keys(session, limits, [found.key]).knows(found.key):
        return TAKEN
    return None
