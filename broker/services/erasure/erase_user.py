"""Erase a user: ads, avatar, unfinished uploads, and the personal data in rows that stay."""

from datetime import datetime

from sqlalchemy import and_, delete, false, select, update
from sqlalchemy.orm import Session

from broker.db.models import Ad, Event, Image, Owner, Upload, UppySession, User
from broker.db.row_locks import ErasedState, lock
from broker.db.upsert import insert_new
from broker.domain.errors import NotFound
from broker.domain.limits import Limits
from broker.domain.object_keys import unsuffixed
from broker.domain.profiles import AD, USER
from broker.domain.subjects import MAPPED_MIN
from broker.services.erasure.erasures import (
    ErasureView,
    begin,
    close,
    get_erasure,
    require_service,
)
from broker.services.erasure.personal_data import (
    end_uppy_sessions,
    events_of_uploads,
    forget_events,
    forget_images_elsewhere,
    forget_reports,
    forget_use,
    forget_user,
)
from broker.services.erasure.queued import Belongs, count_queued
from broker.services.events.record import owner_erased
from broker.services.uploads.owners import add_owner
from broker.services.uploads.removal import (
    Doomed,
    all_of_owners,
    any_of,
    lock_files,
    of_owners,
    remove_files,
)
from broker.services.uploads.state import forget_texts
from broker.services.work import Work
from broker.telemetry import audit


def erase_user(work: Work, user_id: int) -> ErasureView:
    """Erase a user, and return the erasure; services only.

    The row stays, with the id and the subject: older tokens of the user are refused. A user without
    a row gets one for this, if the id is a decimal subject.

    The files of owners by token stay, because the rights to them belong to the owner. They lose the
    texts that the user wrote.

    Raises:
        Forbidden: the caller is no service.
        NotFound: no user has this mapped id.
    """
    require_service(work.principal)
    session, limits, now = work.session, work.limits, work.now
    ads = _ads(session, limits, user_id)
    lock_files(session, _doomed(limits, user_id, ads))
    before = _lock_user(session, user_id, now=now)
    erasure = begin(session, USER, user_id, user_id=user_id, now=now)
    erasure_id = erasure.id
    # The ads are read again: no further one can be added now.
    ads = _ads(session, limits, user_id)
    session.execute(select(Ad.id).where(Ad.owner_id == user_id).order_by(Ad.id).with_for_update())
    session.execute(
        delete(Ad).where(Ad.owner_id == user_id).execution_options(synchronize_session=False)
    )
    forget_user(session, user_id, erased_at=max(before.erased_at or now, now))
    _close_avatar(work, user_id)
    doomed = _doomed(limits, user_id, ads)
    count_queued(session, limits, erasure, _belongs(session, user_id, ads))
    keys = remove_files(session, limits, doomed, now=now, erasure_id=erasure_id)
    # An upload that has an image is changed after its image.
    forget_images_elsewhere(session, limits, user_id, now=now)
    forget_texts(session, doomed.uploads)
    forget_use(session, user_id)
    forget_reports(session, doomed.uploads)
    ad_image, avatar = limits.profiles.ad_image, limits.profiles.avatar
    end_uppy_sessions(
        session,
        UppySession.user_id == user_id,
        of_owners(UppySession, ad_image, ads),
        of_owners(UppySession, avatar, [user_id]),
    )
    forget_events(
        session,
        of_owners(Event, ad_image, ads),
        of_owners(Event, avatar, [user_id]),
        events_of_uploads(user_id),
    )
    if not before.is_erased:
        owner_erased(session, avatar, str(user_id), user_id, user_id=user_id, now=now)
    close(session, erasure)
    session.commit()
    line = {
        "erasure": str(erasure_id),
        "for_user": user_id,
        "ads": len(ads),
        "images": len(keys),
    }
    audit.record(audit.Act.USER_ERASED, work.principal, line)
    return get_erasure(work, erasure_id)


def _ads(session: Session, limits: Limits, user_id: int) -> list[int]:
    """Return the user's ads with files. Ads by token have their files at owners that stay."""
    if limits.profiles.ad_image.is_by_token:
        return []
    return list(session.scalars(select(Ad.id).where(Ad.owner_id == user_id).order_by(Ad.id)))


def _doomed(limits: Limits, user_id: int, ads: list[int]) -> Doomed:
    """Return the files of the ads and the avatar, and also the user's uploads for other owners."""
    counted = [each.owner_kind for each in limits.profiles if not each.keeps_one]
    sent = select(Upload.id).where(Upload.user_id == user_id)
    elsewhere = Doomed(
        uploads=Upload.user_id == user_id,
        images=false(),
        counted=and_(Image.owner_kind.in_(counted), Image.upload_id.in_(sent)),
    )
    return any_of(
        all_of_owners(limits.profiles.ad_image, ads),
        all_of_owners(limits.profiles.avatar, [user_id]),
        elsewhere,
    )


def _lock_user(session: Session, user_id: int, *, now: datetime) -> ErasedState:
    """Lock the user's row, and return whether it was erased before; insert it if there is none."""
    found = lock(session, User, User.id == user_id)
    if found is not None:
        return found
    if user_id >= MAPPED_MIN:
        raise NotFound("There is no such user.")
    row = {"id": user_id, "first_name": "", "last_name": "", "created_at": now, "updated_at": now}
    insert_new(session, User, [row], User.id)
    return lock(session, User, User.id == user_id) or ErasedState(None, False)


def _close_avatar(work: Work, user_id: int) -> None:
    """Erase the owner of the avatar too if it is one by token."""
    avatar, owner = work.limits.profiles.avatar, str(user_id)
    if not avatar.is_by_token or not avatar.is_owner(owner):
        return
    owner_id = add_owner(work.session, avatar, owner)
    work.session.execute(
        update(Owner)
        .where(Owner.owner_kind == avatar.owner_kind, Owner.id == owner_id)
        .values(is_erased=True, erased_at=work.now, slots_taken=0)
        .execution_options(synchronize_session=False)
    )


def _belongs(session: Session, user_id: int, ads: list[int]) -> Belongs:
    """Return the check whether an object is one of the ads, the avatar or the user's uploads."""
    owners = {(USER, str(user_id)), *((AD, str(ad_id)) for ad_id in ads)}
    keys = session.scalars(select(Upload.key).where(Upload.user_id == user_id))
    stems = {unsuffixed(key) for key in keys}
    return lambda key, owner: owner in owners or unsuffixed(key) in stems
