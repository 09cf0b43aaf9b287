"""Find the user of a token, and create the user's row when the token is first used."""

from dataclasses import replace
from datetime import datetime
from itertools import chain, islice

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker.db.models import User
from broker.db.row_locks import lock_shared
from broker.db.upsert import insert_new
from broker.domain.errors import CallerErased
from broker.domain.principal import Principal
from broker.domain.subjects import MAPPED_MIN, decimal_of, new_ids
from broker.services.work import Work

TRIES = 5
_ERASED = "The user was erased. A token that was issued later signs in again."


def sign_in(work: Work) -> Principal:
    """Return the caller with the user's id; create the user from the token's claims if needed.

    Raises:
        CallerErased: see `ensure_user`.
    """
    user_id = ensure_user(work.session, work.principal, now=work.now)
    _fill_in_names(work, user_id)
    work.session.commit()
    return replace(work.principal, user_id=user_id)


def ensure_user(
    session: Session, principal: Principal, *, now: datetime, locks: bool = False
) -> int:
    """Return the id of the caller's row; insert the row unless it exists.

    Concurrent requests insert only one row. A used id is never given to another subject. An erased
    user who comes back with a newer token gets an empty row with the same id.

    With `locks` nobody erases the user before the transaction ends, so it may insert further rows.

    Raises:
        CallerErased: the user was erased, and the token is not newer than that.
    """
    user_id = _row_id(session, principal, now=now)
    seen = select(User.erased_at, User.is_erased).where(User.id == user_id)
    erased_at, is_erased = session.execute(seen).one()
    if principal.predates(erased_at):
        raise CallerErased(_ERASED)
    if is_erased and erased_at is not None:
        _revive(session, principal, user_id, erased_at, now=now)
    if locks:
        locked = lock_shared(session, User, User.id == user_id)
        if locked is None or locked.is_erased or principal.predates(locked.erased_at):
            raise CallerErased(_ERASED)
    return user_id


def _row_id(session: Session, principal: Principal, *, now: datetime) -> int:
    if 0 < principal.user_id < MAPPED_MIN:
        if session.scalar(select(User.id).where(User.id == principal.user_id)) is None:
            _insert(session, principal, principal.user_id, None, now=now)
        return principal.user_id
    subject = principal.subject
    if subject is None:
        raise ValueError("a user with a mapped id needs the subject of a token")
    # A restored database may lack the row of an id that this process already knows.
    known_id = [principal.user_id] if principal.user_id else []
    for new_id in islice(chain(known_id, new_ids(subject)), TRIES):
        user_id = stored_id(session, subject)
        if user_id is None and _insert(session, principal, new_id, subject, now=now):
            user_id = new_id
        if user_id is not None:
            return user_id
    raise RuntimeError("no free id was found for a new user")


def _revive(
    session: Session, principal: Principal, user_id: int, erased_at: datetime, *, now: datetime
) -> None:
    """Let an erased user in again, as a new user. `erased_at` stays, for tokens from before."""
    session.execute(
        update(User)
        .where(User.id == user_id, User.is_erased, User.erased_at == erased_at)
        .values(**_claims(principal), is_erased=False, created_at=now, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def _claims(principal: Principal) -> dict[str, str | None]:
    return {
        "email": principal.email,
        "first_name": principal.first_name,
        "last_name": principal.last_name,
    }


def _fill_in_names(work: Work, user_id: int) -> None:
    """Write the claims into a row that a service has created for one of the user's ads.

    Such a row has no email and no names, and nobody has edited it. The row of a user who was erased
    since `ensure_user` looks like it. A read comes first, because a write would wait for SQLite's
    lock.
    """
    names = _claims(work.principal)
    if not any(names.values()):
        return
    unnamed = (
        User.id == user_id,
        User.email.is_(None),
        User.first_name == "",
        User.last_name == "",
        User.updated_at == User.created_at,
        User.is_erased.is_(False),
    )
    if work.session.scalar(select(User.id).where(*unnamed)) is not None:
        work.session.execute(update(User).where(*unnamed).values(**names, updated_at=work.now))


def stored_id(session: Session, subject: str) -> int | None:
    """Return the id that is stored for a subject.

    A row of release 0.2 has no subject, and its id is the decimal subject.
    """
    user_id = session.scalar(select(User.id).where(User.subject == subject))
    if user_id is None and (number := decimal_of(subject)) is not None:
        same_id = (User.id == number, User.subject.is_(None))
        user_id = session.scalar(select(User.id).where(*same_id))
    return user_id


def _insert(
    session: Session, principal: Principal, user_id: int, subject: str | None, *, now: datetime
) -> bool:
    """Insert a user. Return False, with nothing changed, if the id or the subject is taken."""
    row = {
        "id": user_id,
        "subject": subject,
        **_claims(principal),
        "created_at": now,
        "updated_at": now,
    }
    return bool(insert_new(session, User, [row], User.id))
