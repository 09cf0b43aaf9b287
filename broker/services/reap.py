"""Reap: end stale uploads, drain the outbox, forget old Uppy sessions and idempotency keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from broker.domain.rules import Rules
from broker.services import idempotency, outbox
from broker.services.expire import expire_stale
from broker.services.keep_arrived import keep_arrived
from broker.services.uppy_sessions import forget_old
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


def reap_once(session: Session, storage: Storage, rules: Rules, *, now: datetime) -> Reaped:
    """Do all that is due now; safe beside any number of others."""
    if rules.keeps_arrived:
        late = keep_arrived(session, storage, rules, now=now)
        kept, expired, postponed = late.kept, late.expired, late.postponed
    else:
        kept, expired, postponed = 0, expire_stale(session, rules, now=now), 0
    forget_old(session, rules, now=now)
    idempotency.forget_old(session, now=now)
    drained = outbox.drain(session, storage, rules, now=now)
    return Reaped(
        kept=kept,
        expired=expired,
        deleted=drained.deleted,
        postponed=postponed + drained.postponed,
    )
