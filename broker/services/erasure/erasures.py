"""The rows of erasures. An erasure ends when no deletion of the outbox names it any more."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Exists, exists, func, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from broker.db.models import Deletion, Erasure
from broker.domain.errors import Forbidden, NotFound
from broker.domain.principal import Principal
from broker.services.work import Work


class ErasureState(StrEnum):
    """Whether objects are still being deleted."""

    DELETING = "deleting"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class ErasureView:
    """An erasure, and how many of its deletions are left. `user_id` is the erased user, if any."""

    id: UUID
    user_id: int | None
    state: ErasureState
    objects: int
    objects_left: int
    requested_at: datetime
    finished_at: datetime | None


def require_service(caller: Principal) -> None:
    """Raise Forbidden unless the caller is a service."""
    if not caller.is_service:
        raise Forbidden("Only a service may erase owners and users.")


def begin(
    session: Session, owner_kind: str, owner_id: int, *, user_id: int | None, now: datetime
) -> Erasure:
    """Return the unfinished erasure of the owner, or a new one; it stays locked.

    The owner's row is locked, so there is one unfinished erasure at most.
    """
    unfinished = select(Erasure).where(
        Erasure.owner_kind == owner_kind,
        Erasure.owner_id == owner_id,
        Erasure.finished_at.is_(None),
    )
    found = session.scalars(
        unfinished.with_for_update().execution_options(populate_existing=True)
    ).first()
    if found is None:
        found = Erasure(
            id=uuid7(),
            owner_kind=owner_kind,
            owner_id=owner_id,
            user_id=user_id,
            objects=0,
            requested_at=now,
        )
        session.add(found)
        session.flush()
    # Those that are done; `close` adds those that are left.
    found.objects -= count_left(session, found.id)
    return found


def close(session: Session, erasure: Erasure) -> None:
    """Count the deletions of an erasure, before its transaction commits."""
    session.flush()
    erasure.objects += count_left(session, erasure.id)


def count_left(session: Session, erasure_id: UUID) -> int:
    """Return how many deletions the erasure waits for."""
    rows = select(func.count()).select_from(Deletion).where(Deletion.erasure_id == erasure_id)
    return session.scalar(rows) or 0


def get_erasure(work: Work, erasure_id: UUID) -> ErasureView:
    """Return an erasure, and finish it if nothing is left; raise NotFound or Forbidden."""
    require_service(work.principal)
    finish(work, erasure_id)
    row = work.session.scalar(
        select(Erasure).where(Erasure.id == erasure_id).execution_options(populate_existing=True)
    )
    left = count_left(work.session, erasure_id)
    work.session.commit()
    if row is None:
        raise NotFound("There is no such erasure, or it was finished long ago.")
    is_done = row.finished_at is not None
    return ErasureView(
        id=row.id,
        user_id=row.user_id,
        state=ErasureState.DONE if is_done else ErasureState.DELETING,
        objects=row.objects,
        objects_left=left,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
    )


def finish(work: Work, erasure_id: UUID | None = None) -> int:
    """Finish the erasures without deletions, or this one; return how many.

    They are locked before their deletions are counted, because a repeated erasure of the same
    owner adds further deletions.
    """
    session = work.session
    unfinished = select(Erasure.id).where(Erasure.finished_at.is_(None), ~_has_deletions())
    if erasure_id is not None:
        unfinished = unfinished.where(Erasure.id == erasure_id)
    ids = session.scalars(unfinished).all()
    finished = 0
    for each in ids:
        session.execute(select(Erasure.id).where(Erasure.id == each).with_for_update())
        finished += session.execute(
            update(Erasure)
            .where(Erasure.id == each, Erasure.finished_at.is_(None), ~_has_deletions())
            .values(finished_at=work.now)
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
        session.commit()
    session.commit()
    return finished


def _has_deletions() -> Exists:
    return exists().where(Deletion.erasure_id == Erasure.id)
