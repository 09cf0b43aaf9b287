"""The uploads that an Uppy session may handle: Uppy's uploads for the same owner and user.

Uploads of an earlier session are included: a page that was closed and opened again has a new
session and continues its uploads. For an owner by token the user does not matter, because its
uploads belong to all callers with a grant.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, select

from broker.db.models import Upload, UppySession
from broker.domain.errors import NotFound
from broker.domain.object_keys import INCOMING, written_key
from broker.services.work import Work


def by_id(work: Work, uppy_session: UppySession, upload_id: UUID, key: str) -> Upload:
    """Return an upload by the id and object key that Uppy saved; raise NotFound."""
    upload = _find(work, uppy_session, Upload.id == upload_id)
    if written_key(work.limits, upload) != key:
        raise NotFound("There is no such upload.")
    return upload


def by_key(work: Work, uppy_session: UppySession, key: str) -> Upload:
    """Return an upload by the object key of its form or its completion; raise NotFound."""
    relative = key.removeprefix(f"{INCOMING}/").removeprefix(f"{work.limits.location}/")
    return _find(work, uppy_session, Upload.key == relative)


def _find(work: Work, uppy_session: UppySession, condition: ColumnElement[bool]) -> Upload:
    conditions = [
        condition,
        Upload.uppy_session_id.is_not(None),
        Upload.owner_kind == uppy_session.owner_kind,
        Upload.owner_id == uppy_session.owner_id,
    ]
    if uppy_session.owner is None:
        conditions.append(Upload.user_id == uppy_session.user_id)
    upload = work.session.scalar(select(Upload).where(*conditions))
    work.session.commit()
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload
