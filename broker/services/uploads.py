"""Find an upload, and end it: the compare-and-set that every transition goes through."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import NotFound
from broker.domain.object_keys import upload_object_key
from broker.domain.principal import Principal
from broker.domain.rules import Rules
from broker.domain.states import UploadState
from broker.services import outbox, places


def get_upload(session: Session, principal: Principal, upload_id: UUID) -> Upload:
    """Read an upload; another user's is NotFound, so that ids cannot be probed."""
    upload = session.scalar(
        select(Upload).where(Upload.id == upload_id).execution_options(populate_existing=True)
    )
    session.commit()
    if upload is None or not principal.acts_for(upload.user_id):
        raise NotFound("There is no such upload.")
    return upload


def settle(session: Session, upload_id: UUID, state: UploadState, *, now: datetime) -> bool:
    """Move a pending upload to `state`; True for the one caller that did. Does not commit."""
    won = session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.PENDING)
        .values(state=state, settled_at=now)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    )
    return won.first() is not None


def discard(
    session: Session, rules: Rules, upload: Upload, state: UploadState, *, now: datetime
) -> bool:
    """End a pending upload without an image: its place is free, its object is to go.

    True for the one caller that ended it. Does not commit.
    """
    if not settle(session, upload.id, state, now=now):
        return False
    places.give_back(session, upload.owner_kind, upload.owner_id)
    outbox.enqueue(
        session, written_key(rules, upload), now=now, form_dead_at=form_dead_at(rules, upload)
    )
    if not upload.pinned:
        # A promotion may have copied the object before the upload was ended.
        final = upload_object_key(rules.location, upload.key, pinned=True)
        outbox.enqueue(session, final, now=now, form_dead_at=form_dead_at(rules, upload))
    return True


def written_key(rules: Rules, upload: Upload) -> str:
    """Give the object key that the upload's form writes to."""
    return upload_object_key(rules.location, upload.key, pinned=upload.pinned)


def form_dead_at(rules: Rules, upload: Upload) -> datetime:
    """Tell from when on no form of the upload can write any more, slow bodies included."""
    return upload.expires_at + rules.grace
