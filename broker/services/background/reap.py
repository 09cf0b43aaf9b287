"""Reap: end stale uploads, delete late objects, drain the outbox, delete old rows."""

import logging
from dataclasses import dataclass

from broker.domain.storage_errors import StorageError
from broker.services import idempotency
from broker.services.background.late_objects import sweep
from broker.services.background.prune import prune
from broker.services.erasure import erasures
from broker.services.stale.keep_arrived import keep_arrived
from broker.services.uploads import outbox
from broker.services.uploads.expire import expire_stale
from broker.services.uppy import sessions
from broker.services.work import Work

log = logging.getLogger("broker.reap")


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """The counts of one round.

    Attributes:
        kept: stale uploads that were confirmed because their object had arrived.
        expired: stale uploads that were expired.
        late: objects below `incoming/` that arrived after their upload had ended.
        deleted: rows of the outbox that were completed.
        pruned: rows that were older than their retention.
        postponed: uploads, objects, deletions and listings that an error has postponed.
    """

    kept: int = 0
    expired: int = 0
    late: int = 0
    deleted: int = 0
    pruned: int = 0
    postponed: int = 0


def reap_once(work: Work) -> Reaped:
    """Do everything that is due now; several processes may do this at once."""
    if work.limits.keeps_arrived:
        stale = keep_arrived(work)
        kept, expired, postponed = stale.kept, stale.expired, stale.postponed
    else:
        kept, expired, postponed = 0, expire_stale(work), 0
    sessions.delete_expired(work)
    idempotency.delete_expired(work)
    # Drain first, so that the listing contains only objects that are not queued yet.
    first = outbox.drain(work)
    late, is_listed = 0, False
    try:
        swept = sweep(work)
        late, is_listed, postponed = swept.late, True, postponed + swept.postponed
    except StorageError as error:
        log.warning("incoming/ was not listed: %s: %s", error.code, error.for_operators)
        postponed += 1
    drained = outbox.drain(work)
    erasures.finish(work)
    return Reaped(
        kept=kept,
        expired=expired,
        late=late,
        deleted=first.deleted + drained.deleted,
        pruned=prune(work, is_listed=is_listed),
        postponed=postponed + first.postponed + drained.postponed,
    )
