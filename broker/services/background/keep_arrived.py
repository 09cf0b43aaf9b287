"""End stale uploads without losing bytes: look into the bucket before one is let go.

For operators who set BROKER_REAP=confirm. A client that sent its file and then lost its network
finds its image when it comes back.
"""

import random
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import (
    BrokerError,
    ObjectMissing,
    PartsMissing,
    StorageError,
    StorageUnavailable,
)
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.multipart.complete import complete
from broker.services.uploads.state import being_completed, discard, get_upload
from broker.storage.protocol import Storage

BATCH = 100
Place = tuple[datetime, UUID]


@dataclass(frozen=True, kw_only=True)
class Late:
    """How many stale uploads were kept as images, expired, or put off by an S3 error."""

    kept: int = 0
    expired: int = 0
    postponed: int = 0


def keep_arrived(session: Session, storage: Storage, limits: Limits, *, now: datetime) -> Late:
    """Confirm the stale uploads whose bytes are there, expire the others.

    Stops early where the bucket does not answer. No lock is held while it is asked, so of many
    reapers two may look at the same upload; the compare-and-set decides, and each goes through
    a batch in an order of its own.
    """
    kept = expired = postponed = 0
    last: Place | None = None
    while True:
        found = _stale(session, limits, last, now=now)
        for upload_id in random.sample([place[1] for place in found], len(found)):
            try:
                state = _settle(session, storage, limits, upload_id, now=now)
            except StorageUnavailable:
                return Late(kept=kept, expired=expired, postponed=postponed + 1)
            except StorageError:
                postponed += 1
                continue
            kept += state is UploadState.CONFIRMED
            expired += state is UploadState.EXPIRED
        if len(found) < BATCH:
            return Late(kept=kept, expired=expired, postponed=postponed)
        last = found[-1]


def _stale(session: Session, limits: Limits, after: Place | None, *, now: datetime) -> list[Place]:
    place = (Upload.expires_at, Upload.id)
    query = (
        select(*place)
        .where(Upload.state == UploadState.PENDING, Upload.expires_at <= now - limits.grace)
        .order_by(*place)
        .limit(BATCH)
    )
    if after is not None:
        query = query.where(tuple_(*place) > after)
    found = [(row.expires_at, row.id) for row in session.execute(query)]
    session.commit()
    return found


def _settle(
    session: Session, storage: Storage, limits: Limits, upload_id: UUID, *, now: datetime
) -> UploadState | None:
    """End one upload; gives its state, or None when another has ended it or it is still to come."""
    upload = session.scalar(
        select(Upload).where(Upload.id == upload_id).execution_options(populate_existing=True)
    )
    session.commit()
    if upload is None or upload.state != UploadState.PENDING:
        return None
    principal = Principal(user_id=upload.user_id)
    act = complete if upload.part_size is not None else confirm
    try:
        act(session, storage, limits, principal, upload_id, now=now)
    except (ObjectMissing, PartsMissing) as error:
        upload = get_upload(session, principal, upload_id)
        if isinstance(error, ObjectMissing) and being_completed(upload, now=now):
            # Its parts are gone into an object that is not there yet: the next run looks again.
            return None
        discard(session, limits, upload_id, UploadState.EXPIRED, now=now)
        session.commit()
    except StorageError:
        raise
    except BrokerError:
        # Ended by what was found there, or by its client in the same moment.
        session.rollback()
    return UploadState(get_upload(session, principal, upload_id).state)
