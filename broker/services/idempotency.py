"""Idempotency keys: a retried request is given the first one's answer, and makes nothing twice.

A key is claimed in a transaction of its own before anything is made. The answer is written in
the transaction that makes the thing, so that both are there or neither: whoever dies before
that commit leaves a claim that a retry may take over once its lock has passed, whoever dies
after it leaves the answer. Every step is a compare-and-set on the claim's own id.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.orm import Session

from broker.db.models import IdempotencyKey
from broker.db.upsert import insert_unless_there
from broker.domain.errors import IdempotencyInFlight, IdempotencyKeyReused

KEPT = timedelta(hours=24)
# Longer than a request takes. One that takes longer and was taken over makes nothing.
LOCK = timedelta(seconds=60)
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to answer for a key; `id` is this claim's alone."""

    user_id: int
    key: str
    id: UUID


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The first answer: its HTTP status, and its body to the byte."""

    status: int
    body: str


def claim(
    session: Session, *, user_id: int, key: str, fingerprint: str, now: datetime
) -> Claim | Replay:
    """Claim a user's key for one request, or give the answer that it stands for.

    Args:
        fingerprint: what tells this request from others, at most 64 characters.

    Raises:
        IdempotencyKeyReused: the key is another request's.
        IdempotencyInFlight: the same request is at work, or has died within the last LOCK.
    """
    mine = Claim(user_id=user_id, key=key, id=uuid4())
    fresh = {
        "claim_id": mine.id,
        "fingerprint": fingerprint,
        "locked_until": now + LOCK,
        "created_at": now,
        "expires_at": now + KEPT,
        "status": None,
        "body": None,
    }
    row = _find(session, mine)
    if row is None:
        insert_unless_there(session, IdempotencyKey, [{"user_id": user_id, "key": key, **fresh}])
        row = _find(session, mine)
    session.commit()
    if row is None:
        # Another request's claim kept ours out, and was released since.
        raise IdempotencyInFlight("A request with this key is at work; try again.")
    if row.claim_id == mine.id:
        return mine
    if now < row.expires_at:
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused("This key came with another request; take a new one.")
        if row.status is not None and row.body is not None:
            return Replay(status=row.status, body=row.body)
        if now < row.locked_until:
            raise IdempotencyInFlight("A request with this key is at work; try again.")
    taken = session.scalar(
        update(IdempotencyKey)
        .where(
            *_held(mine, by=row.claim_id),
            IdempotencyKey.status.is_not_distinct_from(row.status),
        )
        .values(fresh)
        .returning(IdempotencyKey.claim_id)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    if taken is None:
        raise IdempotencyInFlight("Another request has just taken this key; try again.")
    return mine


def fulfil(session: Session, claim: Claim, *, status: int, body: str) -> None:
    """Write the answer that every retry will get. Does not commit: that is for whoever makes
    what the answer tells of.

    Raises:
        IdempotencyInFlight: the claim was taken over; what was made must be rolled back.
    """
    written = session.scalar(
        update(IdempotencyKey)
        .where(*_held(claim, by=claim.id), IdempotencyKey.status.is_(None))
        .values(status=status, body=body)
        .returning(IdempotencyKey.claim_id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise IdempotencyInFlight("A retry has overtaken this request; try again.")


def release(session: Session, claim: Claim) -> None:
    """Give a claim back, so that a retry runs anew; an answer that was committed stays."""
    session.execute(
        delete(IdempotencyKey)
        .where(*_held(claim, by=claim.id), IdempotencyKey.status.is_(None))
        .execution_options(synchronize_session=False)
    )
    session.commit()


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete the keys whose time has passed, in committed batches; gives how many."""
    forgotten = 0
    primary_key = tuple_(IdempotencyKey.user_id, IdempotencyKey.key)
    while True:
        old = (
            select(IdempotencyKey.user_id, IdempotencyKey.key)
            .where(IdempotencyKey.expires_at <= now)
            .order_by(IdempotencyKey.expires_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        gone = session.scalars(
            delete(IdempotencyKey)
            .where(primary_key.in_(old), IdempotencyKey.expires_at <= now)
            .returning(IdempotencyKey.claim_id)
            .execution_options(synchronize_session=False)
        ).all()
        session.commit()
        forgotten += len(gone)
        if len(gone) < BATCH:
            return forgotten


def _find(session: Session, claim: Claim) -> IdempotencyKey | None:
    return session.scalar(
        select(IdempotencyKey)
        .where(IdempotencyKey.user_id == claim.user_id, IdempotencyKey.key == claim.key)
        .execution_options(populate_existing=True)
    )


def _held(claim: Claim, *, by: UUID) -> tuple[ColumnElement[bool], ...]:
    """Match the claim's row while it is the given claim's."""
    return (
        IdempotencyKey.user_id == claim.user_id,
        IdempotencyKey.key == claim.key,
        IdempotencyKey.claim_id == by,
    )
