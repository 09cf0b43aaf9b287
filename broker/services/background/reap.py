"""Reap: end stale uploads, drain the outbox, forget old Uppy sessions and idempotency keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from broker.domain.limits import Limits
from broker.services import idempotency
from broker.services.background.keep_arrived import keep_arrived
from broker.services.uploads import outbox
from broker.services.uploads.expire import expire_stale
from broker.services.uppy.sessions import forget_old
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """What one run did: uploads kept because their bytes had arrived, uploads expired, objects
    deleted, and what an S3 error has put off.
    """

    kept: int = 0
    expired: int = 0
    deleted: int = 0
    postponed: int = 0


def reap_once(session: Session, storage: Storage, limits: Limits, *, now: datetime) -> Reaped:
    """Do all that is due now; safe beside any number of others."""
    if limits.keeps_arrived:
        late = keep_arrived(session, storage, limits, now=now)
        kept, expired, postponed = late.kept, late.expired, late.postponed
    else:
        kept, expired, postponed = 0, expire_stale(session, limits, now=now), 0
    forget_old(session, limits, now=now)
    idempotency.forget_old(session, now=now)
    drained = outbox.drain(session, storage, limits, now=now)
    return Reaped(
        kept=kept,
        expired=expired,
        deleted=drained.deleted,
        postponed=postponed + drained.postponed,
    )
