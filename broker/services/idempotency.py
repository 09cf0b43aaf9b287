"""Idempotency keys: a retried request gets the first response again, and creates nothing twice.

A request claims its key in a separate transaction. The response is stored in the transaction that
creates the resource, so either both exist or neither. If a process dies before that commit, a retry
may take over the claim after its lock has expired. If it dies after the commit, the response is
stored. Every step is a compare-and-set on the claim's own id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.orm import Session

from broker.db.models import IdempotencyKey
from broker.db.upsert import insert_unless_there
from broker.domain.errors import IdempotencyInFlight, IdempotencyKeyReused
from broker.services.work import Work

KEPT = timedelta(hours=24)
# Longer than a request takes. If a claim was taken over, the slower request creates nothing.
LOCK = timedelta(seconds=60)
BATCH = 100
Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to create the response for a key. Each claim has its own `id`."""

    user_id: int
    key: str
    id: UUID


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The first response: its HTTP status, and its exact body."""

    status: int
    body: str


@dataclass(frozen=True, kw_only=True)
class KeptAnswer(Generic[Made]):
    """The response of a request with a key, to be stored with what the request creates.

    `body_of` returns the response's body.
    """

    claim: Claim
    status: int
    body_of: Callable[[Made], str]


def claim(work: Work, *, key: str, fingerprint: str) -> Claim | Replay:
    """Claim the caller's key for one request, or return the response that is stored for it.

    `fingerprint` identifies the request, in at most 64 characters.

    Raises:
        IdempotencyKeyReused: the key belongs to another request.
        IdempotencyInFlight: the same request is still running, or its process died less than LOCK
            ago.
    """
    session, now, user_id = work.session, work.now, work.principal.user_id
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
        # Another request held the claim and has released it in the meantime.
        raise IdempotencyInFlight("A request with this key is still running; try again.")
    if row.claim_id == mine.id:
        return mine
    if now < row.expires_at:
        if row.fingerprint != fingerprint:
            raise IdempotencyKeyReused("This key was used for another request; send a new key.")
        if row.status is not None and row.body is not None:
            return Replay(status=row.status, body=row.body)
        if now < row.locked_until:
            raise IdempotencyInFlight("A request with this key is still running; try again.")
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


def keep(session: Session, answer: KeptAnswer[Made] | None, made: Made) -> None:
    """Store the response that every retry gets; do nothing for a request without a key.

    Raises:
        IdempotencyInFlight: a retry has taken over the claim; the caller must roll back.
    """
    if answer is None:
        return
    written = session.scalar(
        update(IdempotencyKey)
        .where(*_held(answer.claim, by=answer.claim.id), IdempotencyKey.status.is_(None))
        .values(status=answer.status, body=answer.body_of(made))
        .returning(IdempotencyKey.claim_id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise IdempotencyInFlight("A retry has overtaken this request; try again.")


def release(work: Work, claim: Claim) -> None:
    """Release a claim, so that a retry is executed again. A stored response is kept."""
    work.session.execute(
        delete(IdempotencyKey)
        .where(*_held(claim, by=claim.id), IdempotencyKey.status.is_(None))
        .execution_options(synchronize_session=False)
    )
    work.session.commit()


def delete_expired(work: Work) -> int:
    """Delete expired keys in committed batches; return how many."""
    deleted = 0
    primary_key = tuple_(IdempotencyKey.user_id, IdempotencyKey.key)
    while True:
        expired = (
            select(IdempotencyKey.user_id, IdempotencyKey.key)
            .where(IdempotencyKey.expires_at <= work.now)
            .order_by(IdempotencyKey.expires_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        batch = work.session.scalars(
            delete(IdempotencyKey)
            .where(primary_key.in_(expired), IdempotencyKey.expires_at <= work.now)
            .returning(IdempotencyKey.claim_id)
            .execution_options(synchronize_session=False)
        ).all()
        work.session.commit()
        deleted += len(batch)
        if len(batch) < BATCH:
            return deleted


def _find(session: Session, claim: Claim) -> IdempotencyKey | None:
    return session.scalar(
        select(IdempotencyKey)
        .where(IdempotencyKey.user_id == claim.user_id, IdempotencyKey.key == claim.key)
        .execution_options(populate_existing=True)
    )


def _held(claim: Claim, *, by: UUID) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that match the key's row while the claim `by` holds it."""
    return (
        IdempotencyKey.user_id == claim.user_id,
        IdempotencyKey.key == claim.key,
        IdempotencyKey.claim_id == by,
    )
