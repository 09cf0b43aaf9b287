"""Reserve slots and quota for new uploads, and expire stale uploads if they hold too many."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_

from broker.db import used_profiles
from broker.db.fast_path import insert_uploads
from broker.db.models import Upload
from broker.db.owner_tables import table_of
from broker.domain.errors import ImageLimitReached
from broker.domain.profiles import Profile
from broker.domain.upload_row import NewUpload
from broker.services.marketplace.sign_in import ensure_user
from broker.services.stale.keep_arrived import keep_arrived
from broker.services.uploads.expire import expire_stale
from broker.services.uploads.owners import authorise, id_of, open_owner
from broker.services.uploads.quotas import exceeded, reservation
from broker.services.work import Work

# How many stale uploads of an owner, and of a user, a request for a ticket ends.
STALE_MAX = 20


def reserve(
    work: Work, profile: Profile, owner: str, uploads: Sequence[NewUpload], *, commit: bool
) -> int:
    """Insert the uploads and reserve a slot for each; return the id of the owner's user.

    The insert checks rights, slots and quota in one step, because it nearly always succeeds. If it
    inserts nothing, the row of an owner by token is inserted if it has none, stale uploads are
    ended, and the insert is tried again. If this also fails, the reason is looked up.

    With `commit` the insert commits. Otherwise the transaction stays open, and the caller must end
    it.

    Raises:
        NotFound, Forbidden: there is no such owner, it belongs to another user, or no grant names
            it.
        CallerErased: the caller was erased since the token was issued.
        ImageLimitReached: too few slots are free.
        QuotaExceeded: too little of the user's quota is left.
        ProfilesChanged: the profile was used with another prefix or visibility.
    """
    used_profiles.use_once(work.session, profile)
    limit = profile.count_limit
    quota = reservation(work.limits, work.principal, uploads, now=work.now)

    def insert() -> int | None:
        found = insert_uploads(
            work.session,
            uploads,
            table=table_of(profile),
            owner=owner,
            asker_id=work.principal.user_id,
            is_service=work.principal.is_service,
            issued_at=work.principal.issued_at,
            limit=limit,
            quota=quota,
            commit=commit,
        )
        return None if found is None else found.user_id

    user_id = insert()
    if user_id is not None:
        return user_id
    work.session.rollback()
    owner_user_id = authorise(work, profile, owner)
    if work.principal.subject is not None:
        # It was erased, or a restored backup has no row of it.
        ensure_user(work.session, work.principal, now=work.now)
    if profile.is_by_token:
        open_owner(work, profile, owner)
        work.session.commit()
        user_id = insert()
        if user_id is not None:
            return user_id
        work.session.rollback()
    owner_id = id_of(work.session, profile, owner)
    stale = [and_(Upload.owner_kind == profile.owner_kind, Upload.owner_id == owner_id)]
    if quota is not None:
        # Stale uploads of the user's other owners hold quota as well.
        stale.append(Upload.user_id == owner_user_id)
    for which in stale:
        _end_stale(work, which)
        user_id = insert()
        if user_id is not None:
            return user_id
        work.session.rollback()
    if quota is not None and (refused := exceeded(work, owner_user_id, quota)) is not None:
        raise refused
    raise ImageLimitReached(f"At most {limit} files are allowed, including uploads in progress.")


def _end_stale(work: Work, which: ColumnElement[bool]) -> None:
    if work.limits.keeps_arrived:
        keep_arrived(work, which, at_most=STALE_MAX)
    else:
        expire_stale(work, which, at_most=STALE_MAX)
