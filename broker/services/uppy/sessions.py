"""Uppy sessions: what an endpoint that carries its own right may still do, and until when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from broker.db.models import UppySession
from broker.domain.errors import (
    CapabilityExhausted,
    CapabilityExpired,
    CapabilityInvalid,
    CapabilityRevoked,
    NotFound,
)
from broker.domain.limits import Limits
from broker.domain.owners import OWNER_KINDS, OwnerKind
from broker.domain.principal import Principal
from broker.domain.transports import Transport
from broker.services.uploads.owners import authorise
from broker.telemetry import audit


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """What a session is asked for: seconds, files, bytes; None for the most there is."""

    ttl: int | None = None
    max_files: int | None = None
    max_bytes: int | None = None


def open_session(
    session: Session,
    limits: Limits,
    principal: Principal,
    kind: OwnerKind,
    owner_id: int,
    asked: SessionLimits,
    *,
    before_commit: Callable[[UppySession], None] | None = None,
    now: datetime,
) -> UppySession:
    """Open a session for one owner; raises NotFound or Forbidden.

    What is asked for beyond the operator's limits is cut to them. What `before_commit` writes
    is committed with the session; where it raises there is none.
    """
    user_id = authorise(session, principal, kind, owner_id)
    most_bytes = limits.uppy_session_files * kind.max_bytes(limits)
    ttl = min(asked.ttl or limits.uppy_session_ttl, limits.uppy_session_ttl)
    row = UppySession(
        id=uuid7(),
        owner_kind=kind.name,
        owner_id=owner_id,
        user_id=user_id,
        max_files=min(asked.max_files or limits.uppy_session_files, limits.uppy_session_files),
        files_taken=0,
        max_bytes=min(asked.max_bytes or most_bytes, most_bytes),
        bytes_taken=0,
        created_at=now,
        expires_at=now + timedelta(seconds=ttl),
    )
    session.add(row)
    session.flush()
    if before_commit is not None:
        before_commit(row)
    session.commit()
    _audit(audit.Act.UPPY_SESSION_OPENED, row, principal)
    return row


def live_session(session: Session, session_id: UUID, *, now: datetime) -> UppySession:
    """Read a session that may be used.

    Raises:
        CapabilityInvalid, CapabilityExpired, CapabilityRevoked.
    """
    row = session.scalar(
        select(UppySession)
        .where(UppySession.id == session_id)
        .execution_options(populate_existing=True)
    )
    session.commit()
    if row is None:
        raise CapabilityInvalid("This endpoint's session is gone; ask for a new one.")
    if row.revoked_at is not None:
        raise CapabilityRevoked("This endpoint was revoked; ask for a new one.")
    if now >= row.expires_at:
        raise CapabilityExpired("This endpoint's time has passed; ask for a new one.")
    return row


def kind_of(row: UppySession) -> OwnerKind:
    """Give the kind of the session's owner."""
    return OWNER_KINDS[row.owner_kind]


def principal_of(row: UppySession) -> Principal:
    """Give the user in whose name the session acts: its owner's, with no other right."""
    return Principal(user_id=row.user_id)


def take_files(session: Session, session_id: UUID, count: int) -> None:
    """Count further files. Does not commit.

    Raises:
        CapabilityExhausted: fewer files, or no byte, are left; having rolled back.
    """
    taken = session.scalar(
        update(UppySession)
        .where(
            UppySession.id == session_id,
            UppySession.files_taken + count <= UppySession.max_files,
            UppySession.bytes_taken < UppySession.max_bytes,
        )
        .values(files_taken=UppySession.files_taken + count)
        .returning(UppySession.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        session.rollback()
        raise CapabilityExhausted("This endpoint's files or bytes are used up.")


def charge(session: Session, session_id: UUID, size: int) -> bool:
    """Count an image's bytes; False where they are more than is left. Does not commit.

    A session that has been deleted since charges nobody.
    """
    charged = session.scalar(
        update(UppySession)
        .where(
            UppySession.id == session_id, UppySession.bytes_taken + size <= UppySession.max_bytes
        )
        .values(bytes_taken=UppySession.bytes_taken + size)
        .returning(UppySession.id)
        .execution_options(synchronize_session=False)
    )
    if charged is not None:
        return True
    return session.scalar(select(UppySession.id).where(UppySession.id == session_id)) is None


def revoke(session: Session, principal: Principal, session_id: UUID, *, now: datetime) -> None:
    """Revoke a session; once more changes nothing. NotFound for another user's."""
    row = session.scalar(select(UppySession).where(UppySession.id == session_id))
    if row is None or not principal.acts_for(row.user_id):
        session.commit()
        raise NotFound("There is no such session.")
    session.execute(
        update(UppySession)
        .where(UppySession.id == session_id, UppySession.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    _audit(audit.Act.UPPY_SESSION_REVOKED, row, principal)


def forget_old(session: Session, limits: Limits, *, now: datetime) -> int:
    """Delete the sessions whose uploads have all ended by now; gives how many."""
    longest = max(limits.ttl(transport) for transport in Transport)
    gone = session.scalars(
        delete(UppySession)
        .where(UppySession.expires_at <= now - longest - limits.grace)
        .returning(UppySession.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.commit()
    return len(gone)


def _audit(act: audit.Act, row: UppySession, principal: Principal) -> None:
    fields = {"uppy_session_id": str(row.id), "for_user": row.user_id}
    audit.record(act, principal, f"{row.owner_kind}/{row.owner_id}", fields)
