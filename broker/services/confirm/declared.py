"""What the ticket of an upload declared about its object."""

from sqlalchemy import select

from broker.db.models import Upload, UploadPart
from broker.domain.part_plan import plan_of
from broker.domain.transports import transport_named
from broker.domain.verification import Declared
from broker.services.work import Work


def declared_by(work: Work, upload: Upload) -> Declared:
    """Return the declaration. The digests of pinned parts are read from the database."""
    return Declared(
        size=upload.size if upload.size_is_exact else None,
        max_size=upload.size,
        content_type=upload.content_type,
        checksum_sha256=upload.checksum_sha256,
        upload_id=str(upload.id),
        in_parts=transport_named(upload.transport).has_parts,
        part_digests=_part_digests(work, upload) if upload.parts_pinned else None,
    )


def _part_digests(work: Work, upload: Upload) -> list[str] | None:
    """Return the digests of all planned parts; None if another request has just deleted them."""
    digests = work.session.scalars(
        select(UploadPart.checksum_sha256)
        .where(UploadPart.upload_id == upload.id)
        .order_by(UploadPart.part_number)
    ).all()
    work.session.commit()
    plan = plan_of(upload)
    return list(digests) if plan is not None and len(digests) == plan.part_count else None
