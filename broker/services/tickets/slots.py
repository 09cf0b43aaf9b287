"""Take places and quota for new uploads, making room where stale ones still hold theirs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from broker.db.fast_path.insert_uploads import NewUpload, insert_uploads
from broker.domain.errors import ImageLimitReached
from broker.domain.limits import Limits
from broker.domain.owners import AD, OwnerKind
from broker.domain.principal import Principal
from broker.services.uploads.expire import expire_stale
from broker.services.uploads.owners import authorise
from broker.services.uploads.quotas import exceeded, reservation


def take_places(
    session: Session,
    principal: Principal,
    kind: OwnerKind,
    owner_id: int,
    limits: Limits,
    uploads: Sequence[NewUpload],
    *,
    alone: bool,
    now: datetime,
) -> int:
    """Insert new uploads, a place for each; those of stale ones are freed where there are too few.

    Not where BROKER_REAP keeps what has arrived: whether a stale upload's bytes are there is for
    the reaper to find out, and its place is taken until then.

    Why nothing could be inserted is looked into afterwards: nearly always something can be.

    Args:
        alone: commit with the insertion; else the caller does.

    Gives the id of the user whom the owner belongs to.

    Raises:
        NotFound, Forbidden: the owner is not there, or not this principal's.
        ImageLimitReached: it has too few places.
        QuotaExceeded: its user has too little left of the quota.
    """
    limit = kind.max_count(limits)
    quota = reservation(limits, principal, uploads, now=now)
    if kind is AD:
        ad_id, user_id = owner_id, None if principal.is_service else principal.user_id
    else:
        ad_id, user_id = None, owner_id

    def insert() -> int | None:
        return insert_uploads(
            session,
            uploads,
            ad_id=ad_id,
            user_id=user_id,
            limit=limit,
            quota=quota,
            alone=alone,
        )

    owner_user_id = insert()
    if owner_user_id is not None:
        return owner_user_id
    session.rollback()
    whose = authorise(session, principal, kind, owner_id)
    if not limits.keeps_arrived:
        expire_stale(session, limits, now=now, owner=(kind, owner_id))
        if quota is not None:
            # Those of their other ads hold some of it, too; few are stale, and by an index.
            expire_stale(session, limits, now=now, user_id=whose)
        owner_user_id = insert()
        if owner_user_id is not None:
            return owner_user_id
        session.rollback()
    if quota is not None and (refused := exceeded(session, whose, quota)) is not None:
        raise refused
    raise ImageLimitReached(f"At most {limit} images, those being uploaded included.")
