"""A multipart upload at the bucket: find it, begin it, tell which parts have arrived.

The bucket is told of an upload when its first parts are signed, not when its ticket is
issued: tickets stay as cheap as any other, and what is never begun leaves nothing behind.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import (
    MultipartNotFound,
    NotMultipart,
    ObjectMissing,
    ObjectNotFound,
    UploadExpired,
)
from broker.domain.limits import Limits
from broker.domain.part_plan import UploadedPart, by_number
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.domain.transports import Transport
from broker.services.uploads import outbox
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import (
    being_completed,
    discard,
    final_key,
    form_dead_at,
    get_upload,
)
from broker.storage.protocol import Storage


def get_multipart(session: Session, principal: Principal, upload_id: UUID) -> Upload:
    """Read an upload that is sent in parts; raises NotFound or NotMultipart."""
    upload = get_upload(session, principal, upload_id)
    if upload.transport != Transport.MULTIPART:
        raise NotMultipart(f"The upload's transport is {upload.transport}; it has no parts.")
    return upload


def require_pending(
    session: Session, limits: Limits, upload: Upload, *, now: datetime, completing: bool = False
) -> None:
    """Raise what the state of an upload that is no longer pending means; expire a stale one.

    One that is only to be completed may be stale where what has arrived is kept.
    """
    raise_settled(upload)
    if now >= form_dead_at(limits, upload) and not (completing and limits.keeps_arrived):
        discard(session, limits, upload.id, UploadState.EXPIRED, now=now)
        session.commit()
        raise UploadExpired("The ticket expired before its upload was completed.")


def begin(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload: Upload,
    *,
    pinned: bool,
    now: datetime,
) -> Upload:
    """Begin the multipart upload unless that has been done; gives the row as it is then.

    Of many at once one wins; the others abort what they began. A crash in between leaves a
    multipart upload without parts, which the bucket's own rule clears away.
    """
    if upload.multipart_id is not None:
        return upload
    key = final_key(limits, upload)
    begun = storage.multipart.create(
        key,
        content_type=upload.content_type,
        cache_control=limits.cache_control,
        upload_id=str(upload.id),
        acl=limits.default_acl,
        sha256=pinned,
    )
    won = session.execute(
        update(Upload)
        .where(
            Upload.id == upload.id,
            Upload.state == UploadState.PENDING,
            Upload.multipart_id.is_(None),
        )
        .values(multipart_id=begun, parts_pinned=pinned)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    ).first()
    if won is None:
        outbox.enqueue_abort(session, key, begun, now=now)
    session.commit()
    if won is None:
        outbox.drain(session, storage, limits, now=now, only_key=key)
    upload = get_upload(session, principal, upload.id)
    raise_settled(upload)
    return upload


def arrived_parts(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload: Upload,
    *,
    named: Mapping[int, str] | None = None,
    now: datetime,
) -> dict[int, UploadedPart] | None:
    """Ask the bucket which parts of a pending upload have arrived, by number.

    Of several that one number has, it is the one whose ETag is named.

    Returns None when the upload is past its parts: the whole object is there.

    Raises:
        ObjectMissing: it is being put together at this moment.
        UploadExpired: the bucket has let go of the parts; the upload is expired with them.
    """
    if upload.multipart_id is None:
        return {}
    key = final_key(limits, upload)
    try:
        return by_number(storage.multipart.list_parts(key, upload.multipart_id), named)
    except MultipartNotFound:
        require_object(session, storage, limits, principal, upload, now=now)
        return None


def require_object(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload: Upload,
    *,
    now: datetime,
) -> None:
    """Return when the object is there although its multipart upload is gone: it was completed.

    Raises as `arrived_parts` does where it is not.
    """
    try:
        storage.head(final_key(limits, upload))
    except ObjectNotFound as missing:
        upload = get_upload(session, principal, upload.id)
        raise_settled(upload)
        if being_completed(upload, now=now):
            raise ObjectMissing("The bucket is putting the parts together.") from missing
        discard(session, limits, upload.id, UploadState.EXPIRED, now=now)
        session.commit()
        raise UploadExpired(
            "The bucket has let go of the parts; ask for a new ticket."
        ) from missing
