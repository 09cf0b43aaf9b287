"""Find several uploads: by their ids, or those of one owner that have no image."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from broker.db.models import Image, Upload
from broker.domain.profiles import Profile
from broker.domain.states import UNFINISHED, UploadState
from broker.services.uploads.owners import authorise, id_of, may_handle
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class UploadView:
    """An upload and its image, if it has one."""

    upload: Upload
    image: Image | None


def find_uploads(work: Work, upload_ids: Sequence[UUID]) -> list[UploadView]:
    """Return the uploads in the order of the ids, without those that the caller may not read."""
    query = (
        select(Upload, Image)
        .outerjoin(Image, Image.upload_id == Upload.id)
        .where(Upload.id.in_(upload_ids))
    )
    rows = work.session.execute(query).all()
    work.session.commit()
    of_owner = {_owner(upload): upload for upload, _ in rows}
    allowed = {owner for owner, upload in of_owner.items() if may_handle(work, upload)}
    found = {
        upload.id: UploadView(upload=upload, image=image)
        for upload, image in rows
        if _owner(upload) in allowed
    }
    return [found[upload_id] for upload_id in upload_ids if upload_id in found]


def _owner(upload: Upload) -> tuple[str, int, int]:
    """Return the owner and the user, on which the right to an upload depends."""
    return upload.owner_kind, upload.owner_id, upload.user_id


def without_image(
    work: Work, profile: Profile, owner: str, *, before_id: UUID | None, limit: int
) -> Sequence[Upload]:
    """Return the owner's pending, processing and rejected uploads, newest first.

    Args:
        work: the caller.
        profile: the profile of the owner.
        owner: the owner.
        before_id: only uploads with smaller ids; None for the first page.
        limit: the size of a page; `limit + 1` uploads are returned if a page follows.

    Raises:
        NotFound: there is no such owner.
        Forbidden: it belongs to another user, or no grant names it.
    """
    authorise(work, profile, owner)
    owner_id = id_of(work.session, profile, owner)
    query = (
        select(Upload)
        .where(
            Upload.owner_kind == profile.owner_kind,
            Upload.owner_id == owner_id,
            Upload.state.in_((*UNFINISHED, UploadState.REJECTED)),
            *_of_caller(work, profile),
        )
        .order_by(Upload.id.desc())
        .limit(limit + 1)
    )
    if before_id is not None:
        query = query.where(Upload.id < before_id)
    found = work.session.scalars(query).all()
    work.session.commit()
    return found


def _of_caller(work: Work, profile: Profile) -> list[ColumnElement[bool]]:
    """Return the conditions of the uploads that the caller may read.

    Those of a former user stay the former user's. A grant is for all uploads of its owner.
    """
    if work.principal.is_service or profile.is_by_token:
        return []
    return [Upload.user_id == work.principal.user_id]
