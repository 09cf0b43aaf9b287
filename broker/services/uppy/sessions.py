"""Uppy sessions: the files and bytes that a capability URL has left, and when it expires."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from broker.db import used_profiles
from broker.db.models import UppySession
from broker.domain.errors import (
    CapabilityExhausted,
    CapabilityExpired,
    CapabilityInvalid,
    CapabilityRevoked,
    NotFound,
)
from broker.domain.grants import Action, grant
from broker.domain.lifetimes import longest_ticket_life
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.profiles import Profile
from broker.services.idempotency import KeptAnswer, keep
from broker.services.uploads.owners import authorise, has_grant, lock_user, open_owner, profile_of
from broker.services.work import Work
from broker.telemetry import audit


@dataclass(frozen=True, kw_only=True)
class SessionLimits:
    """The requested limits of a session: seconds, files, bytes; None means the maximum."""

    ttl: int | None = None
    max_files: int | None = None
    max_bytes: int | None = None


def open_session(
    work: Work,
    profile: Profile,
    owner: str,
    asked: SessionLimits,
    *,
    answer: KeptAnswer[UppySession] | None = None,
) -> UppySession:
    """Open a session for one owner; raise NotFound, Forbidden or ProfilesChanged.

    Requested limits above the operator's limits are lowered to them. A session that a grant opened
    ends with its token. `answer` is the response to store for retries, in the same transaction.
    """
    user_id = authorise(work, profile, owner)
    used_profiles.use_once(work.session, profile)
    lock_user(work.session, user_id)
    limits = work.limits
    most_bytes = limits.uppy_session_files * profile.max_bytes
    ttl = min(asked.ttl or limits.uppy_session_ttl, limits.uppy_session_ttl)
    row = UppySession(
        id=uuid7(),
        owner_kind=profile.owner_kind,
        owner_id=open_owner(work, profile, owner) if profile.is_by_token else int(owner),
        owner=owner if profile.is_by_token else None,
        user_id=user_id,
        max_files=min(asked.max_files or limits.uppy_session_files, limits.uppy_session_files),
        files_taken=0,
        max_bytes=min(asked.max_bytes or most_bytes, most_bytes),
        bytes_taken=0,
        created_at=work.now,
        expires_at=_end(work, profile, ttl),
    )
    work.session.add(row)
    work.session.flush()
    keep(work.session, answer, row)
    work.session.commit()
    _audit(audit.Act.UPPY_SESSION_OPENED, row, work.principal)
    return row


def live_session(work: Work, session_id: UUID) -> UppySession:
    """Return a session that may be used.

    Raises:
        CapabilityInvalid, CapabilityExpired, CapabilityRevoked.
        ProfilesChanged: this process does not know the session's profile.
    """
    row = work.session.scalar(
        select(UppySession)
        .where(UppySession.id == session_id)
        .execution_options(populate_existing=True)
    )
    work.session.commit()
    if row is None:
        raise CapabilityInvalid("This endpoint's session is gone; ask for a new one.")
    if row.revoked_at is not None:
        raise CapabilityRevoked("This endpoint was revoked; ask for a new one.")
    if work.now >= row.expires_at:
        raise CapabilityExpired("This endpoint has expired; ask for a new one.")
    profile_of(work, row.owner_kind)
    return row


def _end(work: Work, profile: Profile, ttl: int) -> datetime:
    end = work.now + timedelta(seconds=ttl)
    token_end = work.principal.expires_at
    if not profile.is_by_token or token_end is None or work.principal.is_service:
        return end
    # A token may end after the year 9999, for example if its issuer counts milliseconds.
    return end if token_end >= end.timestamp() else datetime.fromtimestamp(token_end, UTC)


def owner_of(row: UppySession) -> str:
    """Return the session's owner as text."""
    return str(row.owner_id) if row.owner is None else row.owner


def principal_of(limits: Limits, row: UppySession) -> Principal:
    """Return a principal that may act for the session's user and owner only."""
    # An erasure deletes sessions, so each is newer than the last erasure of its user and owner.
    issued_at = math.ceil(row.created_at.timestamp())
    if row.owner is None:
        return Principal(user_id=row.user_id, issued_at=issued_at)
    profile = limits.profiles.of_kind(row.owner_kind)
    grants = grant(profile.name, row.owner, Action.CREATE)
    return Principal(user_id=row.user_id, issued_at=issued_at, grants=grants)


def take_files(session: Session, session_id: UUID, count: int) -> None:
    """Count more files for a session.

    Raises:
        CapabilityExhausted: too few files, or no bytes, are left; the caller must roll back.
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
        raise CapabilityExhausted("This endpoint's files or bytes are used up; ask for a new one.")


def charge(session: Session, session_id: UUID, size: int) -> bool:
    """Count an image's bytes; return False if too few bytes are left.

    If the session was deleted in the meantime, there is nothing to charge; return True.
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


def revoke(work: Work, session_id: UUID) -> None:
    """Revoke a session; a second call changes nothing. Another user's session is NotFound."""
    row = work.session.scalar(select(UppySession).where(UppySession.id == session_id))
    if row is None or not _may_revoke(work, row):
        work.session.commit()
        raise NotFound("There is no such session.")
    work.session.execute(
        update(UppySession)
        .where(UppySession.id == session_id, UppySession.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .execution_options(synchronize_session=False)
    )
    work.session.commit()
    _audit(audit.Act.UPPY_SESSION_REVOKED, row, work.principal)


def _may_revoke(work: Work, row: UppySession) -> bool:
    if row.owner is None:
        return work.principal.acts_for(row.user_id)
    return has_grant(work, profile_of(work, row.owner_kind), row.owner)


def delete_expired(work: Work) -> int:
    """Delete expired sessions after all their uploads have ended; return how many."""
    deleted = work.session.scalars(
        delete(UppySession)
        .where(UppySession.expires_at <= work.now - longest_ticket_life(work.limits))
        .returning(UppySession.id)
        .execution_options(synchronize_session=False)
    ).all()
    work.session.commit()
    return len(deleted)


def _audit(act: audit.Act, row: UppySession, principal: Principal) -> None:
    owner = f"{row.owner_kind}/{owner_of(row)}"
    line = {"uppy_session_id": str(row.id), "for_user": row.user_id, "owner": owner}
    audit.record(act, principal, line)
