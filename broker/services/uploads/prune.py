"""Delete the rows of uploads that ended long ago and have no image.

A row stays as long as something needs it: an image (a foreign key), or the outbox, which still has
an object of the upload or a refund for it. Rows are locked first and the outbox is read after that.
So code that queues something for an ended upload must lock its row, too
(`background/late_objects.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.db.models import Deletion, Image, ReportedFailure, Upload, UploadPart, UserQuota
from broker.db.models.uploads import ENDED
from broker.domain.object_keys import (
    INCOMING,
    published_key,
    published_keys,
    published_locations,
    relative_key,
    unsuffixed,
    written_key,
)
from broker.services.work import Work

BATCH = 500
# In one round, so that a first round after years delays nothing for long.
MOST = 20_000


def prune_uploads(work: Work) -> int:
    """Delete ended uploads without an image, in committed batches; return how many.

    They ended, or lost their image, longer ago than the retention. With them go their parts, their
    reported failures, and the quotas of windows that are over. Several processes may do this at
    once: each skips the rows that another has locked.
    """
    before = work.now - work.limits.uploads_kept_for
    waiting = _keys_of_old_deletions(work, before)
    pruned = 0
    for column, condition in (
        (Upload.settled_at, literal_column(ENDED)),
        (Upload.image_deleted_at, Upload.image_deleted_at.is_not(None)),
    ):
        for batch in _batches(work, column, condition, before):
            pruned += _prune(work, batch, waiting)
            if pruned >= MOST:
                return pruned
    return pruned


def _batches(
    work: Work,
    column: InstrumentedAttribute[datetime | None],
    condition: ColumnElement[bool],
    before: datetime,
) -> Iterator[Sequence[Upload]]:
    """Yield the uploads whose time in `column` is old enough, the oldest first, and locked.

    Each batch begins after the one before, because rows that are still needed stay.
    """
    after: ColumnElement[bool] | None = None
    while True:
        query = select(Upload).where(condition, column <= before)
        if after is not None:
            query = query.where(after)
        batch = work.session.scalars(
            query.order_by(column, Upload.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        if not batch:
            work.session.commit()
            return
        last = batch[-1]
        at = getattr(last, column.key)
        after = and_(column >= at, or_(column > at, Upload.id > last.id))
        yield batch
        if len(batch) < BATCH:
            return


def _prune(work: Work, batch: Sequence[Upload], waiting: Collection[str]) -> int:
    """Delete the uploads of a batch that nothing needs any more, and commit."""
    session = work.session
    # Nobody knows the keys of a profile that was declared after this process had started.
    known = [one for one in batch if one.owner_kind in work.limits.profiles.owner_kinds]
    # On SQLite, where rows have no locks, this write locks the database.
    session.execute(delete(UploadPart).where(UploadPart.upload_id.in_([one.id for one in known])))
    needed = _needed(work, known)
    unneeded = [
        one.id for one in known if one.id not in needed and unsuffixed(one.key) not in waiting
    ]
    without_image = ~select(Image.id).where(Image.upload_id == Upload.id).exists()
    gone = session.execute(
        delete(Upload)
        .where(Upload.id.in_(unneeded), without_image)
        .returning(Upload.id, Upload.user_id, Upload.quota_window)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        delete(ReportedFailure).where(ReportedFailure.upload_id.in_([one.id for one in gone]))
    )
    users = {one.user_id for one in gone if one.quota_window is not None}
    _delete_quotas(session, users, work.now - work.limits.uploads_kept_for)
    session.commit()
    return len(gone)


def _needed(work: Work, batch: Sequence[Upload]) -> set[object]:
    """Return the ids of the uploads that the outbox names, or whose first keys it has."""
    limits = work.limits
    owner_of = {
        key: upload.id
        for upload in batch
        for key in (
            written_key(limits, upload),
            *(published_key(limits, relative) for relative, _ in published_keys(upload)),
        )
    }
    found = work.session.execute(
        select(Deletion.upload_id, Deletion.object_key).where(
            or_(
                Deletion.upload_id.in_([upload.id for upload in batch]),
                Deletion.object_key.in_(owner_of),
            )
        )
    )
    return {one for row in found for one in (row.upload_id, owner_of.get(row.object_key))}


def _keys_of_old_deletions(work: Work, before: datetime) -> set[str]:
    """Return the keys, without suffix, of the deletions that were queued before a time.

    Among them are the keys of all attempts to publish an upload that ended before that time: an
    attempt and its variants have the upload's key with another suffix. The outbox has so old rows
    only for objects that S3 refuses to delete.
    """
    queued = work.session.scalars(
        select(Deletion.object_key).where(Deletion.created_at <= before)
    ).all()
    work.session.commit()
    locations = (INCOMING, *published_locations(work.limits))
    relative = (relative_key(location, key) for key in queued for location in locations)
    return {unsuffixed(key) for key in relative if key is not None}


def _delete_quotas(session: Session, users: set[int], before: datetime) -> None:
    """Delete the quotas of windows that began before a time and are over.

    Without its uploads such a row would be wrong. The user's next ticket begins a new window. The
    rows are locked in the order of users, as when quotas are refunded.
    """
    over = (
        select(UserQuota.user_id)
        .where(UserQuota.user_id.in_(users), UserQuota.window_start <= before)
        .order_by(UserQuota.user_id)
        .with_for_update()
    )
    found = session.scalars(over).all()
    if found:
        session.execute(
            delete(UserQuota)
            .where(UserQuota.user_id.in_(found), UserQuota.window_start <= before)
            .execution_options(synchronize_session=False)
        )
