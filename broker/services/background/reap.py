"""Reap: end stale uploads, drain the outbox, delete expired sessions and idempotency keys."""

from dataclasses import dataclass

from broker.services import idempotency
from broker.services.background.keep_arrived import keep_arrived
from broker.services.uploads import outbox
from broker.services.uploads.expire import expire_stale
from broker.services.uppy import sessions
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """The counts of one round.

    Attributes:
        kept: stale uploads that were confirmed because their object had arrived.
        expired: stale uploads that were expired.
        deleted: rows of the outbox that were completed.
        postponed: uploads and rows that an S3 error has postponed.
    """

    kept: int = 0
    expired: int = 0
    deleted: int = 0
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
    drained = outbox.drain(work)
    return Reaped(
        kept=kept,
        expired=expired,
        deleted=drained.deleted,
        postponed=postponed + drained.postponed,
    )
