"""Remove owners' files and unfinished uploads, while tickets, confirms and workers go on.

Every transaction that ends an upload locks the upload and its image before the owner. If this one
began with the owner, two transactions could wait for each other. So a caller

1. locks what is there (`lock_files`),
2. deletes or marks the owners' rows, which waits for tickets that are being issued and blocks new
   ones,
3. removes what is there now (`remove_files`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from broker.db.models import Event, Image, Upload, UppySession
from broker.domain.limits import Limits
from broker.domain.profiles import Profile
from broker.domain.states import UNFINISHED, UploadState
from broker.services.uploads.images import delete_images
from broker.services.uploads.state import end


@dataclass(frozen=True, kw_only=True, eq=False)
class Doomed:
    """Which uploads are ended, and which images are deleted.

    Attributes:
        uploads: the uploads; the unfinished ones are ended.
        images: the images.
        counted: those of the images that take slots. Other owners keep one image: their rows are
            locked before their image.
    """

    uploads: ColumnElement[bool]
    images: ColumnElement[bool]
    counted: ColumnElement[bool] | None


def of_owners(
    model: type[Image | Upload | Event | UppySession], profile: Profile, owner_ids: Sequence[int]
) -> ColumnElement[bool]:
    """Return the condition that a row is of one of these owners."""
    return and_(model.owner_kind == profile.owner_kind, model.owner_id.in_(owner_ids))


def all_of_owners(profile: Profile, owner_ids: Sequence[int]) -> Doomed:
    """Return all files and uploads of these owners."""
    images = of_owners(Image, profile, owner_ids)
    return Doomed(
        uploads=of_owners(Upload, profile, owner_ids),
        images=images,
        counted=None if profile.keeps_one else images,
    )


def any_of(*several: Doomed) -> Doomed:
    """Return the union."""
    counted = [each.counted for each in several if each.counted is not None]
    return Doomed(
        uploads=or_(*(each.uploads for each in several)),
        images=or_(*(each.images for each in several)),
        counted=or_(*counted) if counted else None,
    )


def lock_files(session: Session, doomed: Doomed) -> None:
    """Lock the unfinished uploads and the counted images. SQLite has no row locks."""
    session.execute(_unfinished(doomed).order_by(Upload.id).with_for_update())
    if doomed.counted is not None:
        images = select(Image.id).where(doomed.counted).order_by(Image.id)
        session.execute(images.with_for_update())


def remove_files(
    session: Session,
    limits: Limits,
    doomed: Doomed,
    *,
    now: datetime,
    erasure_id: UUID | None = None,
) -> list[str]:
    """Cancel the unfinished uploads, and delete the images; return the relative keys of these.

    A ticket that was issued after the locks were taken may be confirmed until it is ended here. So
    images are deleted last: otherwise one could stay without an owner.
    """
    in_order = _unfinished(doomed).order_by(Upload.owner_kind, Upload.owner_id, Upload.id)
    end(
        session,
        limits,
        session.scalars(in_order).all(),
        UploadState.CANCELLED,
        now=now,
        states=UNFINISHED,
        erasure_id=erasure_id,
    )
    return delete_images(session, limits, doomed.images, now=now, erasure_id=erasure_id)


def _unfinished(doomed: Doomed) -> Select[UUID]:
    return select(Upload.id).where(doomed.uploads, Upload.state.in_(UNFINISHED))
