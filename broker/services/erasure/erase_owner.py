"""Erase one owner: its files, its unfinished uploads, and what people wrote about them."""

from uuid import UUID

from sqlalchemy import select, update

from broker.db.models import Ad, Erasure, Event, Owner, UppySession
from broker.db.owner_tables import table_of
from broker.db.row_locks import lock
from broker.domain.errors import NotFound, ProfilesChanged
from broker.domain.profiles import Profile
from broker.services.erasure.erase_user import erase_user
from broker.services.erasure.erasures import (
    ErasureView,
    begin,
    close,
    get_erasure,
    require_service,
)
from broker.services.erasure.personal_data import (
    end_uppy_sessions,
    forget_events,
    forget_reports,
)
from broker.services.erasure.queued import belong_to, count_queued
from broker.services.events.record import owner_erased
from broker.services.marketplace.ads import delete_row
from broker.services.uploads.owners import add_owner
from broker.services.uploads.removal import all_of_owners, lock_files, of_owners, remove_files
from broker.services.uploads.state import forget_texts
from broker.services.work import Work
from broker.telemetry import audit


def erase_owner(work: Work, profile: Profile, owner: str) -> ErasureView:
    """Erase an owner, and return the erasure; services only.

    An ad is deleted. For an avatar in our table of users the user is erased. An owner by token is
    erased even if it has no files: grants that were issued before count no more.

    Raises:
        Forbidden: the caller is no service.
        NotFound: our table has no such owner.
        ProfilesChanged: see `add_owner`.
    """
    require_service(work.principal)
    if profile.is_by_token:
        return _erase_granted(work, profile, owner)
    if table_of(profile).is_users:
        return erase_user(work, int(owner))
    return _erase_ad(work, profile, int(owner))


def _erase_granted(work: Work, profile: Profile, owner: str) -> ErasureView:
    session = work.session
    owner_id = add_owner(session, profile, owner)
    session.commit()
    row = (Owner.owner_kind == profile.owner_kind, Owner.id == owner_id)
    lock_files(session, all_of_owners(profile, [owner_id]))
    before = lock(session, Owner, *row)
    if before is None:
        raise ProfilesChanged("The profiles are being changed; try again later.")
    session.execute(
        update(Owner)
        .where(*row)
        .values(
            is_erased=True, erased_at=max(before.erased_at or work.now, work.now), slots_taken=0
        )
        .execution_options(synchronize_session=False)
    )
    erasure = begin(session, profile.owner_kind, owner_id, user_id=None, now=work.now)
    _remove(work, profile, owner, owner_id, erasure, is_repeated=before.is_erased)
    return get_erasure(work, erasure.id)


def _erase_ad(work: Work, profile: Profile, ad_id: int) -> ErasureView:
    session = work.session
    user_id = session.scalar(select(Ad.owner_id).where(Ad.id == ad_id))
    session.commit()
    if user_id is None:
        return _earlier(work, profile, ad_id)
    lock_files(session, all_of_owners(profile, [ad_id]))
    try:
        delete_row(session, ad_id, user_id)
    except NotFound:
        session.rollback()
        return _earlier(work, profile, ad_id)
    erasure = begin(session, profile.owner_kind, ad_id, user_id=None, now=work.now)
    _remove(work, profile, str(ad_id), ad_id, erasure, is_repeated=False)
    return get_erasure(work, erasure.id)


def _earlier(work: Work, profile: Profile, ad_id: int) -> ErasureView:
    """Return the erasure of an ad that another request has erased; raise NotFound without one."""
    of_ad = (Erasure.owner_kind == profile.owner_kind, Erasure.owner_id == ad_id)
    found: UUID | None = work.session.scalar(
        select(Erasure.id).where(*of_ad).order_by(Erasure.id.desc()).limit(1)
    )
    work.session.commit()
    if found is None:
        raise NotFound("There is no such ad.")
    return get_erasure(work, found)


def _remove(
    work: Work,
    profile: Profile,
    owner: str,
    owner_id: int,
    erasure: Erasure,
    *,
    is_repeated: bool,
) -> None:
    """Remove everything of an owner whose row is locked, and commit."""
    session, limits, kind = work.session, work.limits, profile.owner_kind
    doomed = all_of_owners(profile, [owner_id])
    erasure_id = erasure.id
    count_queued(session, limits, erasure, belong_to({(kind, owner)}))
    keys = remove_files(session, limits, doomed, now=work.now, erasure_id=erasure_id)
    forget_texts(session, doomed.uploads)
    forget_reports(session, doomed.uploads)
    end_uppy_sessions(session, of_owners(UppySession, profile, [owner_id]))
    forget_events(session, of_owners(Event, profile, [owner_id]))
    if not is_repeated:
        owner_erased(session, profile, owner, owner_id, user_id=None, now=work.now)
    close(session, erasure)
    session.commit()
    line = {"erasure": str(erasure_id), "owner": f"{kind}/{owner}", "images": len(keys)}
    audit.record(audit.Act.OWNER_ERASED, work.principal, line)
