"""Reap: expire stale uploads, drain the outbox, forget old Uppy sessions and idempotency keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from broker.domain.rules import Rules
from broker.services import idempotency, outbox
from broker.services.expire import expire_stale
from broker.services.uppy_sessions import forget_old
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """What one run did: uploads expired, objects deleted, deletions put off by an S3 error."""

    expired: int
    deleted: int
    postponed: int


def reap_once(session: Session, storage: Storage, rules: Rules, *, now: datetime) -> Reaped:
    """Do all that is due now; safe beside any number of others."""
    expired = expire_stale(session, rules, now=now)
    forget_old(session, rules, now=now)
    idempotency.forget_old(session, now=now)
    drained = outbox.drain(session, storage, rules, now=now)
    return Reaped(expired=expired, deleted=drained.deleted, postponed=drained.postponed)
