"""Hand an upload whose object has arrived over to the workers."""

from sqlalchemy.orm import Session

from broker.db import leases
from broker.db.fast_path import set_processing
from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.domain.transports import transport_named
from broker.services.uploads import quotas
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.owners import owner_to_check, require_right, rights
from broker.services.uploads.reject import reject
from broker.services.uploads.settled import Recorded, settled
from broker.services.uploads.state import get_upload, settle
from broker.services.uppy import sessions
from broker.services.work import Work
from broker.telemetry.audit import Act

LARGER_THAN_SESSION = "The object is larger than what the Uppy session has left."


def start_processing(work: Work, upload: Upload, *, size: int) -> Recorded:
    """Set a pending upload to `processing`, due at once; return it.

    If another request was faster, return what it recorded. `size` is the object's, in bytes.

    Raises:
        NotFound: the caller has lost the right to the upload's owner in the meantime.
        ObjectMismatch: the object is larger than what its Uppy session has left.
        UploadExpired, UploadCancelled, ImageDeleted, UploadRejected: see `settled`.
    """
    commits_itself = changes_only_its_row(upload)
    if commits_itself:
        owner = owner_to_check(work, upload)
        waiting = set_processing(work.session, upload.id, owner=owner, now=work.now)
    else:
        waiting = _settle(work, upload)
    if waiting is None:
        work.session.rollback()
        now_is = get_upload(work, upload.id)
        require_right(work, now_is)
        return settled(work, now_is)
    if not commits_itself:
        if not settle_size(work.session, waiting, size):
            work.session.rollback()
            return reject(work, upload, LARGER_THAN_SESSION)
        work.session.commit()
    record_upload(Act.UPLOAD_ARRIVED, work, upload)
    return waiting


def _settle(work: Work, upload: Upload) -> Upload | None:
    """Do the same in the session's transaction, for uploads that change other rows, too."""
    return settle(
        work.session,
        (UploadState.PENDING,),
        upload.id,
        *rights(work, upload),
        state=UploadState.PROCESSING,
        processing_since=work.now,
        due_at=leases.not_after(work.session, work.now),
    )


def changes_only_its_row(upload: Upload) -> bool:
    """Check whether the upload has no parts, declared its size, and belongs to no Uppy session.

    This is the case for nearly every photo.
    """
    return (
        not transport_named(upload.transport).has_parts
        and upload.size_is_exact
        and upload.uppy_session_id is None
    )


def settle_size(session: Session, won: Upload, size: int) -> bool:
    """Store the size of an upload that declared none, and charge its Uppy session.

    Return False if the session has too few bytes left; roll back then.
    """
    # Lock the quota before the session, in the same order as when a ticket is issued.
    if not won.size_is_exact:
        quotas.refund_unused(session, won, size)
    if won.uppy_session_id is not None and not sessions.charge(session, won.uppy_session_id, size):
        return False
    if not won.size_is_exact:
        won.size, won.size_is_exact = size, True
    return True
