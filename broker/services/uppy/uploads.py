"""The uploads that an Uppy session may handle: those of its own owner and user, made by Uppy.

Not only its own: a page that was closed and opened again has a new session, and goes on with
the uploads of the one before.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Upload, UppySession
from broker.domain.errors import NotFound
from broker.domain.limits import Limits
from broker.domain.object_keys import INCOMING
from broker.services.uploads.state import final_key


def by_id(
    session: Session, limits: Limits, uppy_session: UppySession, upload_id: UUID, key: str
) -> Upload:
    """Find an upload by the id and object key that Uppy saved; raises NotFound."""
    upload = session.scalar(select(Upload).where(Upload.id == upload_id))
    session.commit()
    return _checked(uppy_session, upload if upload and final_key(limits, upload) == key else None)


def by_key(session: Session, limits: Limits, uppy_session: UppySession, key: str) -> Upload:
    """Find an upload by the object key that its form or its completion named."""
    relative = key.removeprefix(f"{INCOMING}/").removeprefix(f"{limits.location}/")
    upload = session.scalar(select(Upload).where(Upload.key == relative))
    session.commit()
    return _checked(uppy_session, upload)


def _checked(uppy_session: UppySession, upload: Upload | None) -> Upload:
    if (
        upload is None
        or upload.uppy_session_id is None
        or upload.user_id != uppy_session.user_id
        or upload.owner_kind != uppy_session.owner_kind
        or upload.owner_id != uppy_session.owner_id
    ):
        raise NotFound("There is no such upload.")
    return upload
